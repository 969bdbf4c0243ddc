import type { FetchState } from '../fetch-scheduler.ts'
import type { PartitionWorker } from '../partition-worker.ts'

/** A partition that the group assigned to this member. */
type Assigned = {
  readonly worker: PartitionWorker
  /** Offset after the last record that was pushed to the worker; undefined before the first. */
  next?: number
  /** Every record before this offset is done; undefined before the first batch is. */
  position?: number
  committed?: number
  /** End of the log as of the last fetch. */
  end?: number
}

export type Position = { readonly partition: number; readonly position: number }

export type AssignedPartitions = {
  /** Creates the partition with its worker, if it is unknown. */
  readonly get: (partition: number) => Assigned
  readonly numbers: () => readonly number[]
  /** Keeps the assigned partitions and drops the others, whose batches in flight may finish. */
  readonly assign: (assigned: readonly number[]) => {
    readonly kept: readonly number[]
    readonly lost: readonly number[]
  }
  /** Positions that the group does not know yet. */
  readonly uncommitted: () => readonly Position[]
  readonly committed: (positions: readonly Position[]) => void
  readonly fetchStates: () => readonly FetchState[]
  readonly lag: () => number
  /** Aborts every worker and waits for its batches in flight. */
  readonly stop: () => Promise<void>
}

/** The partitions of one membership in a group, each with its worker. */
export const createAssignedPartitions = (
  createWorker: (partition: number, onDone: (nextOffset: number) => void) => PartitionWorker,
): AssignedPartitions => {
  const partitions = new Map<number, Assigned>()

  const get = (partition: number): Assigned => {
    const known = partitions.get(partition)
    if (known) return known
    const worker = createWorker(partition, (nextOffset) => {
      created.position = nextOffset
    })
    const created: Assigned = { worker }
    partitions.set(partition, created)
    return created
  }

  return {
    get,
    numbers: () => [...partitions.keys()],
    assign: (assigned) => {
      const before = [...partitions.keys()]
      const lost = before.filter((partition) => !assigned.includes(partition))
      for (const partition of lost) {
        void partitions.get(partition)!.worker.stop()
        partitions.delete(partition)
      }
      for (const partition of assigned) get(partition)
      return { kept: before.filter((partition) => assigned.includes(partition)), lost }
    },
    uncommitted: () =>
      [...partitions].flatMap(([partition, { position, committed }]) =>
        position !== undefined && position !== committed ? [{ partition, position }] : [],
      ),
    committed: (positions) => {
      for (const { partition, position } of positions) {
        const assigned = partitions.get(partition)
        if (assigned) assigned.committed = position
      }
    },
    fetchStates: () =>
      [...partitions].map(([partition, { worker, next = 0, end = next }]) => ({
        partition,
        waitingBytes: worker.waitingBytes(),
        bufferedBytes: worker.bufferedBytes(),
        behind: next < end,
      })),
    lag: () =>
      [...partitions.values()].reduce((sum, { end = 0, position = end }) => sum + Math.max(0, end - position), 0),
    stop: async () => {
      await Promise.all([...partitions.values()].map(({ worker }) => worker.stop()))
    },
  }
}
