import { type Clock, sleep } from '#libs/runtime/clock.ts'
import type { Logger } from '#libs/runtime/logger.ts'

/** Something that nobody waits for. Any replica may do it at any time. */
export type UpkeepTask = {
  readonly name: string
  readonly everyMs: number
  /** Does at most `limit`, answers how many it did. */
  readonly chunk: (limit: number) => Promise<number>
}

const CHUNK = 1_000

/** Runs each task now and then, chunk by chunk until nothing is left. The answer stops it. */
export const startUpkeep = (
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
  tasks: readonly UpkeepTask[],
): (() => Promise<void>) => {
  const stopping = new AbortController()

  const run = async ({ name, everyMs, chunk }: UpkeepTask): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        while (!stopping.signal.aborted && (await chunk(CHUNK)) >= CHUNK);
      } catch (error) {
        logger.warn({ err: error, task: name }, 'upkeep failed, it will be tried again')
      }
      await sleep(clock, everyMs, stopping.signal)
    }
  }

  const running = Promise.all(tasks.map(run))
  return async () => {
    stopping.abort()
    await running
  }
}
