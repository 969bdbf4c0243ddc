import { stayAlive, systemClock } from '#libs/runtime/clock.ts'
import { ConfigError, EXIT_CONFIG } from '#libs/runtime/config.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import { type App, type AppOptions, createApp, type Started } from './app.ts'

/** Longest time from SIGTERM to exit. */
const DRAIN_MS = 25_000
/** Ctrl-C under npm arrives twice, from the terminal and from npm. Only a later one means "now". */
const REPEATED_SIGNAL_MS = 1_000
const EXIT_FAULT = 1

/** The app. A wrong configuration ends the process and names every bad value. */
export const createConfiguredApp = (options: AppOptions): App => {
  try {
    return createApp(options)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`Pulso cannot start, the configuration is wrong:\n${error.message}\n`)
    process.exit(EXIT_CONFIG)
  }
}

/** What a process runs: `start` may be overtaken by `stop`, and then fails. */
export type Program = {
  readonly start: () => Promise<unknown>
  readonly stop: () => Promise<void>
  readonly logger: Logger
}

/** Exit codes: 0 stopped by a signal, 1 after a fault or a drain longer than 25 s. */
export const runProgram = async ({ start, stop, logger }: Program): Promise<void> => {
  let endingSince: number | undefined
  stayAlive()

  const end = async (exitCode: number): Promise<void> => {
    if (endingSince !== undefined) return
    endingSince = systemClock.now()
    systemClock.after(DRAIN_MS, () => {
      logger.fatal({ drainMs: DRAIN_MS }, 'could not stop in time')
      process.exit(EXIT_FAULT)
    })
    await stop()
    logger.info('stopped')
    process.exit(exitCode)
  }
  const onSignal = (signal: NodeJS.Signals): void => {
    if (endingSince !== undefined && systemClock.now() - endingSince > REPEATED_SIGNAL_MS) process.exit(EXIT_FAULT)
    logger.info({ signal }, 'stopping')
    void end(0)
  }
  const onFault = (error: unknown): void => {
    logger.fatal({ err: error }, 'fault, stopping')
    void end(EXIT_FAULT)
  }
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, onSignal)
  process.on('uncaughtException', onFault)
  process.on('unhandledRejection', onFault)

  await start().catch((error) => {
    // A stop that overtakes the start makes it fail, and is logged already.
    if (endingSince === undefined) onFault(error)
  })
}

export const readyLine = ({ address, keyFile }: Started): string =>
  `Pulso is ready at ${address}, API documentation: ${address}/docs${keyFile ? `, key: ${keyFile}` : ''}\n`

/** Exit codes: 78 for a bad value of the environment, else those of `runProgram`. */
export const runMain = (
  definitions: AppOptions['definitions'],
  options: { readonly defaultPort: number },
): Promise<void> => {
  const app = createConfiguredApp({ definitions, environment: process.env, ...options })
  const start = async (): Promise<void> => {
    const started = await app.start()
    // The log is written late: it comes first.
    if (process.stdout.isTTY) app.logger.flush(() => process.stdout.write(readyLine(started)))
  }
  return runProgram({ ...app, start })
}
