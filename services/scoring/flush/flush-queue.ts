import type { Batch } from '#libs/bus/bus.ts'
import { type Clock, systemClock } from '#libs/runtime/clock.ts'

/** Flushes at once over all partitions: one folds while another is written; more would only make each smaller. */
const MAX_FLUSHES = 2
/** Flushes of one partition at once: the next is folded while the one before is being written. */
const MAX_FLUSHES_OF_PARTITION = 2

/** Records that old are being caught up with: a little more delay is lost among it, and fewer, larger flushes catch up sooner. */
const OLD_MS = 2_000
/** How long the first of them waits for more at most, or half of its age. */
const GATHER_MS = 10_000
/** From one flush of a partition to the next, at least: a flush costs nearly the same for ten events as for two, and time that one service saves another has. */
const PACE_MS = 80

type Waiting = {
  readonly arrival: number
  /** By the machine's clock: how long it may wait for more, if more comes. */
  readonly gathersUntil: number
  readonly batch: Batch
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}
type Partition = { waiting: Waiting[]; flushing: number; underWay: number; begunAt: number; cancelTimer?: () => void }

export type FlushQueueOptions = {
  readonly flush: (batches: readonly Batch[]) => Promise<void>
  /** How many batches of a partition may be handed over before the first is flushed: with so many waiting, no more come. */
  readonly mostBatches: number
  /** Time as the records see it. */
  readonly clock: Clock
  /** Time of this machine, for the gathering. */
  readonly wireClock?: Clock
}

/**
 * Gathers the batches of a partition that arrive while others are being flushed into one flush: large under load, since every
 * account touched costs once per flush, and small when idle, since new records wait for more to come only where a flush has just begun.
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
    return Math.max(begunAt + PACE_MS, moreComes ? waiting[0]!.gathersUntil : 0)
  }

  const fillAfter = (partition: Partition, delayMs: number): void => {
    partition.cancelTimer?.()
    partition.cancelTimer = wireClock.after(delayMs, fill)
  }

  /** Of the partitions that may begin another flush, the one that has waited longest: a busy one starves nobody. */
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
      const gathersUntil = wireClock.now() + (ageMs > OLD_MS ? Math.min(GATHER_MS, ageMs / 2) : 0)
      partition.waiting.push({ arrival: arrivals++, gathersUntil, batch, resolve, reject })
      fill()
    })
}
