import { repeat } from '#libs/runtime/repeat.ts'
import { type Chunk, createPartitionWorker, type PartitionWorkerOptions } from '../partition-worker.ts'
import { decodeChunk } from './chunk.ts'
import type { LogStore } from './log-store.ts'

/** Notifications wake a reader; it polls in case one was lost. */
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
  readonly position: () => number
  readonly wake: () => void
  /** Stops reading and resolves when the batches in flight have settled. */
  readonly stop: () => Promise<void>
}

/** Reads one partition about one batch ahead of its handler; a worker handles the records. */
export const createReader = (options: ReaderOptions): Reader => {
  const { store, lease, topic, partition, clock, logger, maxBatchBytes } = options
  const readBytes = maxBatchBytes / 2
  let position = options.position
  let nextOffset = position

  const readOn = async (stopping: AbortSignal): Promise<boolean> => {
    const chunks = await store.read({ ...lease, partition }, nextOffset, readBytes)
    const decoded: Chunk[] = []
    for (const stored of chunks) {
      const first = stored.last_offset - stored.record_count + 1
      if (first > nextOffset) {
        options.onGap()
        const { group } = lease
        logger.error({ topic, partition, group, from: nextOffset, to: first }, 'records are missing in the log')
      }
      decoded.push(await decodeChunk(stored, nextOffset))
      if (stopping.aborted) return false
      nextOffset = stored.last_offset + 1
    }
    const more = chunks.reduce((sum, { raw_bytes }) => sum + raw_bytes, 0) >= readBytes
    // Together, so that the many small chunks that publishers leave may form one batch.
    worker.push(...decoded.map((chunk) => ({ ...chunk, more })))
    return chunks.length > 0
  }

  const reading = repeat(
    {
      clock,
      logger,
      everyMs: POLL_MS,
      retryMs: RETRY_MS,
      failure: 'partition could not be read, trying again',
      fields: { topic, partition },
    },
    async (stopping) => (worker.waitingBytes() < readBytes && (await readOn(stopping)) ? 0 : undefined),
  )
  const worker = createPartitionWorker({
    ...options,
    onDone: (next, records) => {
      position = next
      options.onRecords(records)
    },
    onRoom: reading.wake,
  })
  reading.start()

  return {
    position: () => position,
    wake: reading.wake,
    stop: async () => {
      await Promise.all([reading.stop(), worker.stop()])
    },
  }
}
