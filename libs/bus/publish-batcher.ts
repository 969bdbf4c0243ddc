import { type Clock, sleep } from '#libs/runtime/clock.ts'
import { UnavailableError } from '#libs/runtime/errors.ts'
import type { BusRecord } from './bus.ts'

export type PublishBatcherOptions = {
  /**
   * Stores the records, in order; rejects when none or not all are. One call at a time, so that the order of publishing stays.
   * `sinceMs` is when the first of them was published: whoever tries again looks how long it has waited.
   */
  readonly send: (records: readonly BusRecord[], sinceMs: number) => Promise<void>
  readonly clock: Clock
  /** How long the first of a group waits for company. */
  readonly lingerMs: number
  /** Bounds of one send; a larger single publish is cut. */
  readonly maxRecords: number
  readonly maxBytes: number
  /** What may wait in memory before new publishes are refused. */
  readonly maxWaitingBytes: number
}

export type PublishBatcher = {
  /** Resolves when all the records are stored; rejects with the error of the send that held the first of them that was not. */
  readonly publish: (records: readonly BusRecord[]) => Promise<void>
  /** Resolves when nothing waits or is under way. */
  readonly drained: () => Promise<void>
}

type Piece = {
  readonly records: readonly BusRecord[]
  readonly bytes: number
  readonly sinceMs: number
  readonly settle: (error?: unknown) => void
}

const bytesOf = ({ key, value }: BusRecord): number => key.length + value.length + 50

/** Cuts records into runs that fit one send each. */
const cut = (
  records: readonly BusRecord[],
  options: PublishBatcherOptions,
): { records: BusRecord[]; bytes: number }[] => {
  const runs: { records: BusRecord[]; bytes: number }[] = []
  for (const record of records) {
    const bytes = bytesOf(record)
    const last = runs.at(-1)
    if (last && last.records.length < options.maxRecords && last.bytes + bytes <= options.maxBytes) {
      last.records.push(record)
      last.bytes += bytes
    } else runs.push({ records: [record], bytes })
  }
  return runs
}

/**
 * Groups concurrent publishes into one send: the first waits a moment for company, and what arrives while a send is under way forms
 * the next. A record larger than `maxBytes` travels alone, so that its refusal is nobody else's.
 */
export const createPublishBatcher = (options: PublishBatcherOptions): PublishBatcher => {
  const waiting: Piece[] = []
  let waitingBytes = 0
  let running: Promise<void> | undefined

  const takeGroup = (): Piece[] => {
    const group = [waiting.shift()!]
    let { bytes } = group[0]!
    let count = group[0]!.records.length
    for (let next = waiting[0]; next; next = waiting[0]) {
      if (bytes + next.bytes > options.maxBytes || count + next.records.length > options.maxRecords) break
      waiting.shift()
      group.push(next)
      bytes += next.bytes
      count += next.records.length
    }
    return group
  }

  const run = async (): Promise<void> => {
    await sleep(options.clock, options.lingerMs)
    while (waiting.length > 0) {
      const group = takeGroup()
      const records = group.length === 1 ? group[0]!.records : group.flatMap((piece) => piece.records)
      const error = await options.send(records, group[0]!.sinceMs).then(
        () => undefined,
        (failure: unknown) => failure,
      )
      for (const piece of group) {
        waitingBytes -= piece.bytes
        piece.settle(error)
      }
    }
    running = undefined
  }

  const enqueue = (run: { records: BusRecord[]; bytes: number }): Promise<void> =>
    new Promise((resolve, reject) => {
      waiting.push({
        ...run,
        sinceMs: options.clock.now(),
        settle: (error) => (error === undefined ? resolve() : reject(error)),
      })
      waitingBytes += run.bytes
    })

  return {
    publish: async (records) => {
      if (records.length === 0) return
      if (waitingBytes > options.maxWaitingBytes) throw new UnavailableError('too much waits to be published')
      const pieces = cut(records, options).map(enqueue)
      running ??= run()
      if (pieces.length === 1) return pieces[0]
      const failed = (await Promise.allSettled(pieces)).find((piece) => piece.status === 'rejected')
      if (failed) throw failed.reason
    },
    drained: async () => {
      while (running) await running
    },
  }
}
