import { type BatchedCalls, batchCalls } from '#libs/runtime/batch-calls.ts'
import { type Clock, sleep } from '#libs/runtime/clock.ts'
import { UnavailableError } from '#libs/runtime/errors.ts'
import type { BusRecord } from './bus.ts'

export type PublishBatcherOptions = {
  /** Stores all records in order, or rejects. `sinceMs`: when the first of them was published. */
  readonly send: (topic: string, records: readonly BusRecord[], sinceMs: number) => Promise<void>
  readonly clock: Clock
  /** The first publish after a rest waits this long for others. */
  readonly lingerMs: number
  /** Limits of one send. A larger publish is cut. */
  readonly maxRecords: number
  readonly maxBytes: number
  /** New publishes are refused while more than this waits in memory. */
  readonly maxWaitingBytes: number
}

export type PublishBatcher = {
  /** Resolves when every record is stored; rejects with the error of the first send that failed. */
  readonly publish: (topic: string, records: readonly BusRecord[]) => Promise<void>
  readonly drained: () => Promise<void>
}

type Run = { readonly records: BusRecord[]; readonly sinceMs: number; bytes: number }

const bytesOf = ({ key, value }: BusRecord): number => key.length + value.length + 50

/** Gathers publishes during a send. A record above `maxBytes` travels, or is refused, alone. */
export const createPublishBatcher = (options: PublishBatcherOptions): PublishBatcher => {
  const { send, clock, lingerMs, maxRecords, maxBytes, maxWaitingBytes } = options
  const topics = new Map<string, BatchedCalls<Run>>()

  const runsOf = (topic: string): BatchedCalls<Run> => {
    const known = topics.get(topic)
    if (known) return known
    const runs = batchCalls<Run>({
      handle: (batch) => {
        const records = batch.length === 1 ? batch[0]!.records : batch.flatMap((run) => run.records)
        return send(topic, records, batch[0]!.sinceMs)
      },
      sizesOf: ({ records, bytes }) => [records.length, bytes],
      maxSizes: [maxRecords, maxBytes],
      gather: (isRested) => (isRested ? sleep(clock, lingerMs) : Promise.resolve()),
    })
    topics.set(topic, runs)
    return runs
  }

  const cut = (records: readonly BusRecord[]): readonly Run[] => {
    const made: Run[] = []
    for (const record of records) {
      const bytes = bytesOf(record)
      const last = made.at(-1)
      if (last && last.records.length < maxRecords && last.bytes + bytes <= maxBytes) {
        last.records.push(record)
        last.bytes += bytes
      } else made.push({ records: [record], bytes, sinceMs: clock.now() })
    }
    return made
  }

  return {
    publish: async (topic, records) => {
      const runs = runsOf(topic)
      if (runs.pending()[1]! > maxWaitingBytes) throw new UnavailableError('too much waits to be published')
      const stored = await Promise.allSettled(cut(records).map(runs.call))
      const failed = stored.find((run) => run.status === 'rejected')
      if (failed) throw failed.reason
    },
    drained: async () => {
      await Promise.all([...topics.values()].map((runs) => runs.drained()))
    },
  }
}
