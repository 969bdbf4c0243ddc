import type { PartitionWorker } from '../partition-worker.ts'

/** A partition that this member holds. */
type Assigned = {
  readonly worker: PartitionWorker
  /** Offset after the last record that the worker was given; undefined before the first. */
  next?: number
  /** Offset up to which all is done; undefined before the first batch is. */
  position?: number
  committed?: number
  /** End of the log as the last fetch saw it. */
  end?: number
}

export type Position = { readonly partition: number; readonly position: number }

export type AssignedPartitions = {
  readonly get: (partition: number) => Assigned
  readonly numbers: () => readonly number[]
  /** Keeps what is still assigned, lets go of the rest (their batches under way may finish) and answers both. */
  readonly assign: (assigned: readonly number[]) => {
    readonly kept: readonly number[]
    readonly lost: readonly number[]
  }
  /** Positions that the group does not know yet. */
  readonly uncommitted: () => readonly Position[]
  readonly committed: (positions: readonly Position[]) => void
  readonly lag: () => number
  /** Aborts all and waits for the batches under way. */
  readonly stop: () => Promise<void>
}

/** The partitions of one membership in a group, each with its worker. */
export const createAssignedPartitions = (
  createWorker: (partition: number, onDone: (nextOffset: number) => void) => PartitionWorker,
): AssignedPartitions => {
  const owned = new Map<number, Assigned>()

  const get = (partition: number): Assigned => {
    const known = owned.get(partition)
    if (known) return known
    const worker = createWorker(partition, (nextOffset) => {
      made.position = nextOffset
    })
    const made: Assigned = { worker }
    owned.set(partition, made)
    return made
  }

  return {
    get,
    numbers: () => [...owned.keys()],
    assign: (assigned) => {
      const before = [...owned.keys()]
      const lost = before.filter((partition) => !assigned.includes(partition))
      for (const partition of lost) {
        void owned.get(partition)!.worker.stop()
        owned.delete(partition)
      }
      for (const partition of assigned) get(partition)
      return { kept: before.filter((partition) => assigned.includes(partition)), lost }
    },
    uncommitted: () =>
      [...owned].flatMap(([partition, { position, committed }]) =>
        position !== undefined && position !== committed ? [{ partition, position }] : [],
      ),
    committed: (positions) => {
      for (const { partition, position } of positions) {
        const holder = owned.get(partition)
        if (holder) holder.committed = position
      }
    },
    lag: () => [...owned.values()].reduce((sum, { end = 0, position = end }) => sum + Math.max(0, end - position), 0),
    stop: async () => {
      await Promise.all([...owned.values()].map(({ worker }) => worker.stop()))
    },
  }
}
