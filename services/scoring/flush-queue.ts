import type { Batch } from '#libs/bus/bus.ts'

/** Flushes at once over all partitions: one folds while another is written; more would only make each smaller. */
const MAX_FLUSHES = 3
/** Flushes of one partition at once: the next is folded while the one before is being written. */
const MAX_FLUSHES_OF_PARTITION = 2

type Waiting = {
  readonly arrival: number
  readonly batch: Batch
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}
type Partition = { waiting: Waiting[]; underWay: number }

/**
 * Gathers the batches of a partition that arrive while others are being flushed into one flush: large under load, since every
 * account touched costs once per flush, and small when idle, since nothing ever waits for more to come.
 */
export const createFlushQueue = (
  flush: (batches: readonly Batch[]) => Promise<void>,
): ((batch: Batch) => Promise<void>) => {
  const partitions = new Map<number, Partition>()
  let underWay = 0
  let arrivals = 0

  /** Of the partitions that may begin another flush, the one that has waited longest: a busy one starves nobody. */
  const next = (): Partition | undefined => {
    let best: Partition | undefined
    for (const partition of partitions.values()) {
      if (partition.underWay >= MAX_FLUSHES_OF_PARTITION || partition.waiting.length === 0) continue
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
      underWay++
      partition.underWay++
      flush(taken.map(({ batch }) => batch)).then(
        () => settle(partition, taken, ({ resolve }) => resolve()),
        (error: unknown) => settle(partition, taken, ({ reject }) => reject(error)),
      )
    }
  }

  const settle = (partition: Partition, taken: readonly Waiting[], tell: (one: Waiting) => void): void => {
    underWay--
    partition.underWay--
    for (const one of taken) tell(one)
    fill()
  }

  return (batch) =>
    new Promise((resolve, reject) => {
      let partition = partitions.get(batch.partition)
      if (partition === undefined) {
        partition = { waiting: [], underWay: 0 }
        partitions.set(batch.partition, partition)
      }
      partition.waiting.push({ arrival: arrivals++, batch, resolve, reject })
      fill()
    })
}
