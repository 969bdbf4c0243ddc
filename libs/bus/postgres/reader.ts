import { sleep } from '#libs/runtime/clock.ts'
import { type Chunk, createPartitionWorker, type PartitionWorkerOptions } from '../partition-worker.ts'
import { decodeChunk } from './chunk.ts'
import type { LogStore } from './log-store.ts'

/** Notifications wake a reader; this is for the one that got lost. */
const POLL_MS = 1_000
const RETRY_MS = 500

export type ReaderOptions = Omit<PartitionWorkerOptions, 'onDone' | 'onRoom'> & {
  readonly store: LogStore
  readonly lease: { readonly topicId: number; readonly group: string; readonly member: string; readonly epoch: number }
  readonly position: number
  readonly onRecords: (count: number) => void
  readonly onGap: () => void
}

export type Reader = {
  /** All records before it are durable or dead-lettered. */
  readonly position: () => number
  readonly wake: () => void
  /** Reads no further and resolves when the batches under way have settled. */
  readonly stop: () => Promise<void>
}

/** Reads one partition ahead of its handler, by at most about one batch, and hands the records over through a `PartitionWorker`. */
export const createReader = (options: ReaderOptions): Reader => {
  const { store, lease, topic, partition, clock, logger, maxBatchBytes } = options
  const stopping = new AbortController()
  let position = options.position
  let nextOffset = position
  let awake = new AbortController()
  const wake = () => awake.abort()

  const worker = createPartitionWorker({
    ...options,
    onDone: (next, records) => {
      position = next
      options.onRecords(records)
    },
    onRoom: wake,
  })

  /** Until woken or `delayMs` have passed. What woke it while it was busy counts. */
  const rest = async (delayMs: number) => {
    await sleep(clock, delayMs, awake.signal)
    awake = new AbortController()
    if (stopping.signal.aborted) awake.abort()
  }

  const readOn = async (): Promise<boolean> => {
    const chunks = await store.read({ ...lease, partition }, nextOffset, maxBatchBytes / 2)
    const decoded: Chunk[] = []
    for (const stored of chunks) {
      const first = stored.last_offset - stored.record_count + 1
      if (first > nextOffset) {
        options.onGap()
        const { group } = lease
        logger.error({ topic, partition, group, from: nextOffset, to: first }, 'records are missing in the log')
      }
      decoded.push(await decodeChunk(stored, nextOffset))
      if (stopping.signal.aborted) return false
      nextOffset = stored.last_offset + 1
    }
    const more = chunks.reduce((sum, { raw_bytes }) => sum + raw_bytes, 0) >= maxBatchBytes / 2
    // Together, so that they may form one batch: publishers leave many small chunks.
    worker.push(...decoded.map((chunk) => ({ ...chunk, more })))
    return chunks.length > 0
  }

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        if (worker.waitingBytes() >= maxBatchBytes / 2 || !(await readOn())) await rest(POLL_MS)
      } catch (error) {
        logger.warn({ err: error, topic, partition }, 'partition could not be read, trying again')
        await sleep(clock, RETRY_MS, stopping.signal)
      }
    }
  }
  const running = run()

  return {
    position: () => position,
    wake,
    stop: async () => {
      stopping.abort()
      wake()
      await Promise.all([running, worker.stop()])
    },
  }
}
