import { failureOf } from '#libs/runtime/errors.ts'
import { watched } from '#libs/runtime/repeat.ts'
import type { Batch, DeliveredRecord } from './bus.ts'
import { UNREADABLE_BATCH } from './dead-letter.ts'
import { type Delivery, deliverBatch } from './deliver-batch.ts'

/** What a record costs in memory beside its key and value, roughly. */
export const RECORD_OVERHEAD = 100

/** A record's share of a batch's byte limit. A key counts in UTF-16 units: near enough. */
export const recordBytes = (record: DeliveredRecord): number =>
  record.key.length + record.value.length + RECORD_OVERHEAD

/** Records in offset order. Bytes: keys, values, and `RECORD_OVERHEAD` for each record. */
export type Chunk = {
  readonly records: readonly DeliveredRecord[]
  readonly bytes: number
  readonly more?: boolean
  /** Frees the memory of the records, which must not be read any more. */
  readonly release?: () => void
}

export type PartitionWorker = {
  /** Takes the next records, without waiting: the caller watches `waitingBytes`. */
  readonly push: (...chunks: readonly Chunk[]) => void
  readonly waitingBytes: () => number
  readonly bufferedBytes: () => number
  /** Aborts the batches, drops the waiting records, waits for the batches in flight. */
  readonly stop: () => Promise<void>
}

export type PartitionWorkerOptions = Delivery & {
  readonly topic: string
  readonly partition: number
  readonly inFlight: number
  readonly maxBatchBytes: number
  readonly releaseAfterHandling?: boolean | undefined
  readonly deadLetter: (record: DeliveredRecord, reason: string) => Promise<void>
  /** Every record before `nextOffset` is durable or dead-lettered. */
  readonly onDone: (nextOffset: number, records: number) => void
  /** The handler's database has gone back: the worker handles nothing more. */
  readonly onRewound?: () => void
  /** A batch was taken or is done: there may be room to fetch. */
  readonly onRoom: () => void
}

/** Cuts off as many records as fit, at least one. The rest, handled last, releases both. */
const cut = (chunk: Chunk, maxBytes: number): readonly [Chunk, Chunk | undefined] => {
  if (chunk.bytes <= maxBytes) return [chunk, undefined]
  let bytes = recordBytes(chunk.records[0]!)
  let count = 1
  for (; count < chunk.records.length; count++) {
    const next = recordBytes(chunk.records[count]!)
    if (bytes + next > maxBytes) break
    bytes += next
  }
  if (count === chunk.records.length) return [chunk, undefined]
  const rest = { ...chunk, records: chunk.records.slice(count), bytes: chunk.bytes - bytes }
  return [{ records: chunk.records.slice(0, count), bytes }, rest]
}

const takeBatch = (waiting: Chunk[], maxBytes: number): Required<Chunk> => {
  const taken: Chunk[] = []
  let bytes = 0
  while (waiting.length > 0 && (taken.length === 0 || bytes + waiting[0]!.bytes <= maxBytes)) {
    const [fits, rest] = cut(waiting.shift()!, maxBytes)
    if (rest) waiting.unshift(rest)
    taken.push(fits)
    bytes += fits.bytes
  }
  const more = waiting.length > 0 || taken.at(-1)!.more === true
  const records = taken.length === 1 ? taken[0]!.records : taken.flatMap((chunk) => chunk.records)
  const release = (): void => {
    for (const chunk of taken) chunk.release?.()
  }
  return { records, bytes, more, release }
}

/** `settled` resolves to the failure, or undefined. */
type UnderWay = { readonly chunk: Chunk; readonly batch: Batch; readonly settled: Promise<unknown> }

/**
 * Hands records to the handler in order, up to `inFlight` batches at once, and commits in order.
 * When a batch fails, the later ones settle, the failed one is retried, then they are redelivered.
 */
export const createPartitionWorker = (options: PartitionWorkerOptions): PartitionWorker => {
  const { topic, partition, logger } = options
  const handle = (batch: Batch): Promise<void> => watched(`batch of ${topic}`, () => options.handle(batch))
  const abort = new AbortController()
  const { signal } = abort
  const waiting: Chunk[] = []
  const underWay: UnderWay[] = []
  let waitingBytes = 0
  let bufferedBytes = 0
  let recovering = false
  let running: Promise<void> | undefined

  const deadLetter = async (record: DeliveredRecord, given: string): Promise<void> => {
    const reason = record.headers[UNREADABLE_BATCH] ?? given
    await options.deadLetter(record, reason)
    logger.error({ topic, partition, offset: record.offset, reason }, 'record dead-lettered')
  }

  const start = (): void => {
    const chunk = takeBatch(waiting, options.maxBatchBytes)
    waitingBytes -= chunk.bytes
    const { records, bytes, more } = chunk
    const batch: Batch = { topic, partition, records, bytes, more, signal, deadLetter }
    const settled = failureOf(() => handle(batch))
    underWay.push({ chunk, batch, settled })
    options.onRoom()
  }

  const fill = (): void => {
    while (!recovering && !signal.aborted && waiting.length > 0 && underWay.length < options.inFlight) start()
  }

  const recover = async (failed: UnderWay, failure: unknown): Promise<boolean> => {
    recovering = true
    const behind = underWay.splice(0)
    await Promise.all(behind.map(({ settled }) => settled))
    // No other batch runs beside it.
    const again = { ...failed.batch, more: false }
    const delivered = await deliverBatch({ ...options, handle }, again, failure).catch(() => {
      abort.abort()
      options.onRewound?.()
      return false
    })
    waiting.unshift(...behind.map(({ chunk }) => chunk))
    waitingBytes += behind.reduce((sum, { chunk }) => sum + chunk.bytes, 0)
    recovering = false
    return delivered
  }

  const run = async (): Promise<void> => {
    fill()
    for (let head = underWay[0]; head; head = underWay[0]) {
      const failure = await head.settled
      underWay.shift()
      if (failure !== undefined && !(await recover(head, failure))) break
      const { records, bytes } = head.chunk
      bufferedBytes -= bytes
      options.onDone(records.at(-1)!.offset + 1, records.length)
      if (options.releaseAfterHandling) head.chunk.release?.()
      options.onRoom()
      fill()
    }
    running = undefined
  }

  const wake = (): void => {
    if (running) fill()
    else running = run()
  }

  return {
    push: (...chunks) => {
      if (signal.aborted) return
      for (const chunk of chunks) {
        if (chunk.records.length === 0) continue
        waiting.push(chunk)
        waitingBytes += chunk.bytes
        bufferedBytes += chunk.bytes
      }
      if (waiting.length > 0) wake()
    },
    waitingBytes: () => waitingBytes,
    bufferedBytes: () => bufferedBytes,
    stop: async () => {
      abort.abort()
      waiting.length = 0
      waitingBytes = 0
      await running
    },
  }
}
