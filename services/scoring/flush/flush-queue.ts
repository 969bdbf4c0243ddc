import type { Batch } from '#libs/bus/bus.ts'
import { type Clock, systemClock } from '#libs/runtime/clock.ts'
import { BACKLOG_AGE_MS, FLUSH_INTERVAL_MS, MAX_FLUSHES, MAX_FLUSHES_OF_PARTITION, MAX_GATHER_MS } from '../limits.ts'

type Waiting = {
  readonly arrival: number
  /** Until when, by the machine's clock, the batch may wait for more batches. */
  readonly gathersUntil: number
  readonly batch: Batch
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}
type Partition = { waiting: Waiting[]; flushing: number; underWay: number; begunAt: number; cancelTimer?: () => void }

export type FlushQueueOptions = {
  readonly flush: (batches: readonly Batch[]) => Promise<void>
  /** How many batches of a partition may be unflushed. With so many waiting, no more come. */
  readonly mostBatches: number
  /** The clock of the records' timestamps. */
  readonly clock: Clock
  /** The machine's clock, for the gathering. */
  readonly wireClock?: Clock
}

/**
 * Gathers batches that arrive during a flush into one flush: an account costs once per flush.
 * Flushes are small when idle: new records wait only if a flush has just begun.
 */
export const createFlushQueue = ({
  flush,
  mostBatches,
  clock,
  wireClock = systemClock,
}: FlushQueueOptions): ((batch: Batch) => Promise<void>) => {
  const partitions = new Map<number, Partition>()
  let underWay = 0
  let arrivals = 0

  const gathersUntil = ({ waiting, flushing, begunAt }: Partition): number => {
    if (flushing + waiting.length >= mostBatches) return Number.NEGATIVE_INFINITY
    const moreComes = waiting.at(-1)!.batch.more === true
    return Math.max(begunAt + FLUSH_INTERVAL_MS, moreComes ? waiting[0]!.gathersUntil : 0)
  }

  const fillAfter = (partition: Partition, delayMs: number): void => {
    partition.cancelTimer?.()
    partition.cancelTimer = wireClock.after(delayMs, fill)
  }

  /** The partition free to flush that waits longest: a busy one starves no other. */
  const next = (): Partition | undefined => {
    let best: Partition | undefined
    const now = wireClock.now()
    for (const partition of partitions.values()) {
      if (partition.underWay >= MAX_FLUSHES_OF_PARTITION || partition.waiting.length === 0) continue
      const until = gathersUntil(partition)
      if (until > now) {
        fillAfter(partition, until - now)
        continue
      }
      if (best === undefined || partition.waiting[0]!.arrival < best.waiting[0]!.arrival) best = partition
    }
    return best
  }

  const fill = (): void => {
    while (underWay < MAX_FLUSHES) {
      const partition = next()
      if (partition === undefined) return
      const taken = partition.waiting
      partition.waiting = []
      partition.flushing += taken.length
      underWay++
      partition.underWay++
      partition.begunAt = wireClock.now()
      flush(taken.map(({ batch }) => batch)).then(
        () => settle(partition, taken, ({ resolve }) => resolve()),
        (error: unknown) => settle(partition, taken, ({ reject }) => reject(error)),
      )
    }
  }

  const settle = (partition: Partition, taken: readonly Waiting[], settle: (one: Waiting) => void): void => {
    underWay--
    partition.underWay--
    partition.flushing -= taken.length
    for (const one of taken) settle(one)
    fill()
  }

  return (batch) =>
    new Promise((resolve, reject) => {
      let partition = partitions.get(batch.partition)
      if (partition === undefined) {
        partition = { waiting: [], flushing: 0, underWay: 0, begunAt: Number.NEGATIVE_INFINITY }
        partitions.set(batch.partition, partition)
      }
      const ageMs = clock.now() - batch.records[0]!.timestampMs
      const gathersUntil = wireClock.now() + (ageMs > BACKLOG_AGE_MS ? Math.min(MAX_GATHER_MS, ageMs / 2) : 0)
      partition.waiting.push({ arrival: arrivals++, gathersUntil, batch, resolve, reject })
      fill()
    })
}
