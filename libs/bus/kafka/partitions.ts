import type { FetchState } from '../fetch-scheduler.ts'
import type { PartitionWorker } from '../partition-worker.ts'

export type Assigned = {
  readonly worker: PartitionWorker
  /** Offset after the last record that was pushed to the worker; undefined before the first. */
  next?: number
  /** Every record before this offset is done; undefined before the first batch is. */
  position?: number
  committed?: number
  /** False until the position of the reader's database is known: records are refused. */
  placed: boolean
  /** Set by a seek: records that were fetched from elsewhere are refused. */
  seekTo?: number
  refused: number
  /** End of the log as of the last fetch. */
  end?: number
}

export type Position = { readonly partition: number; readonly position: number }

export const createAssignedPartitions = (
  createWorker: (partition: number, onDone: (nextOffset: number) => void) => PartitionWorker,
  placedAtOnce: boolean,
) => {
  const partitions = new Map<number, Assigned>()

  const get = (partition: number): Assigned => {
    const known = partitions.get(partition)
    if (known) return known
    const worker = createWorker(partition, (nextOffset) => {
      created.position = nextOffset
    })
    const created: Assigned = { worker, placed: placedAtOnce, refused: 0 }
    partitions.set(partition, created)
    return created
  }

  return {
    get,
    find: (partition: number): Assigned | undefined => partitions.get(partition),
    areAllPlaced: (): boolean => [...partitions.values()].every(({ placed }) => placed),
    numbers: (): readonly number[] => [...partitions.keys()],
    placed: (): readonly number[] => [...partitions].flatMap(([partition, { placed }]) => (placed ? [partition] : [])),
    /** Keeps the assigned partitions and drops the others, whose batches in flight may finish. */
    assign: (assigned: readonly number[]) => {
      const before = [...partitions.keys()]
      const lost = before.filter((partition) => !assigned.includes(partition))
      for (const partition of lost) {
        void partitions.get(partition)!.worker.stop()
        partitions.delete(partition)
      }
      for (const partition of assigned) get(partition)
      return { kept: before.filter((partition) => assigned.includes(partition)), lost }
    },
    uncommitted: (): readonly Position[] =>
      [...partitions].flatMap(([partition, { position, committed }]) =>
        position !== undefined && position !== committed ? [{ partition, position }] : [],
      ),
    committed: (positions: readonly Position[]): void => {
      for (const { partition, position } of positions) {
        const assigned = partitions.get(partition)
        if (assigned) assigned.committed = position
      }
    },
    fetchStates: (): readonly FetchState[] =>
      [...partitions].map(([partition, { worker, next = 0, end = next }]) => ({
        partition,
        waitingBytes: worker.waitingBytes(),
        bufferedBytes: worker.bufferedBytes(),
        behind: next < end,
      })),
    lag: () =>
      [...partitions.values()].reduce((sum, { end = 0, position = end }) => sum + Math.max(0, end - position), 0),
    /** Aborts every worker and waits for its batches in flight. */
    stop: async (): Promise<void> => {
      await Promise.all([...partitions.values()].map(({ worker }) => worker.stop()))
    },
  }
}
export type AssignedPartitions = ReturnType<typeof createAssignedPartitions>
