import type { Clock } from './clock.ts'
import type { Logger } from './logger.ts'
import { repeat } from './repeat.ts'

/** Work that nobody waits for. Any replica may do it at any time. */
export type UpkeepTask = {
  readonly name: string
  readonly everyMs: number
  /** Handles at most `limit` things; answers how many it handled. */
  readonly chunk: (limit: number) => Promise<number>
}

const CHUNK = 1_000

/** Repeats each task, chunk by chunk until nothing is left to do. The answer stops all tasks. */
export const startUpkeep = (
  deps: { readonly clock: Clock; readonly logger: Logger },
  tasks: readonly UpkeepTask[],
): (() => Promise<void>) => {
  const loops = tasks.map(({ name, everyMs, chunk }) =>
    repeat({ ...deps, everyMs, failure: 'upkeep failed', fields: { task: name } }, async () =>
      (await chunk(CHUNK)) >= CHUNK ? 0 : everyMs,
    ),
  )
  for (const { start } of loops) start()
  return async () => {
    await Promise.all(loops.map(({ stop }) => stop()))
  }
}
