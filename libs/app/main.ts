import { systemClock } from '#libs/runtime/clock.ts'
import { ConfigError, EXIT_CONFIG } from '#libs/runtime/config.ts'
import { type App, type AppOptions, createApp } from './app.ts'

/** From SIGTERM to exit, whatever is under way. */
const DRAIN_MS = 25_000
/** Ctrl-C under npm arrives twice, from the terminal and from npm: only a later one means "now". */
const REPEATED_SIGNAL_MS = 1_000
const EXIT_FAULT = 1

const createConfiguredApp = (options: AppOptions): App => {
  try {
    return createApp(options)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`Pulso cannot start, the configuration is wrong:\n${error.message}\n`)
    process.exit(EXIT_CONFIG)
  }
}

/**
 * The process around an app: starts it, and turns signals and faults into an orderly end.
 * Exit codes: 0 stopped as asked, 1 a fault or a drain longer than 25 s, 78 the configuration is wrong.
 */
export const runMain = async (
  definitions: AppOptions['definitions'],
  options: { readonly defaultPort: number },
): Promise<void> => {
  const app = createConfiguredApp({ definitions, environment: process.env, ...options })
  const { logger } = app
  let endingSince: number | undefined

  const end = async (exitCode: number): Promise<void> => {
    if (endingSince !== undefined) return
    endingSince = systemClock.now()
    systemClock.after(DRAIN_MS, () => {
      logger.fatal({ drainMs: DRAIN_MS }, 'could not stop in time')
      process.exit(EXIT_FAULT)
    })
    await app.stop()
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

  await app.start().catch((error) => {
    // A stop that overtakes the start makes it fail, and has said why already.
    if (endingSince === undefined) onFault(error)
  })
}
