import type { PartitionRunner } from '../partition-worker.ts'

/** A partition that this member holds. */
type Held = {
  readonly runner: PartitionRunner
  /** Offset after the last record that the runner was given; undefined before the first. */
  next?: number
  /** Offset up to which all is done; undefined before the first batch is. */
  position?: number
  committed?: number
  /** End of the log as the last fetch saw it. */
  end?: number
}

export type Position = { readonly partition: number; readonly position: number }

export type HeldPartitions = {
  readonly get: (partition: number) => Held
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

/** The partitions of one membership in a group, each with its runner. */
export const createHeldPartitions = (
  createRunner: (partition: number, onDone: (nextOffset: number) => void) => PartitionRunner,
): HeldPartitions => {
  const held = new Map<number, Held>()

  const get = (partition: number): Held => {
    const known = held.get(partition)
    if (known) return known
    const runner = createRunner(partition, (nextOffset) => {
      made.position = nextOffset
    })
    const made: Held = { runner }
    held.set(partition, made)
    return made
  }

  return {
    get,
    numbers: () => [...held.keys()],
    assign: (assigned) => {
      const before = [...held.keys()]
      const lost = before.filter((partition) => !assigned.includes(partition))
      for (const partition of lost) {
        void held.get(partition)!.runner.stop()
        held.delete(partition)
      }
      for (const partition of assigned) get(partition)
      return { kept: before.filter((partition) => assigned.includes(partition)), lost }
    },
    uncommitted: () =>
      [...held].flatMap(([partition, { position, committed }]) =>
        position !== undefined && position !== committed ? [{ partition, position }] : [],
      ),
    committed: (positions) => {
      for (const { partition, position } of positions) {
        const holder = held.get(partition)
        if (holder) holder.committed = position
      }
    },
    lag: () => [...held.values()].reduce((sum, { end = 0, position = end }) => sum + Math.max(0, end - position), 0),
    stop: async () => {
      await Promise.all([...held.values()].map(({ runner }) => runner.stop()))
    },
  }
}
