export type FetchState = {
  readonly partition: number
  /** Bytes of the records that no batch has taken yet. */
  readonly waitingBytes: number
  /** Bytes of all records in memory: the waiting ones and those being handled. */
  readonly bufferedBytes: number
  /** The log is known to hold records that were not fetched yet. */
  readonly behind: boolean
}

export type FetchSchedulerOptions = {
  readonly inFlight: number
  readonly maxBatchBytes: number
  readonly maxBufferedBytes: number | undefined
  readonly states: () => readonly FetchState[]
  readonly pause: (partition: number) => void
  readonly resume: (partition: number) => void
}

export type FetchScheduler = {
  /** Pauses and resumes partitions by their states. Call it after every fetch. */
  readonly update: () => void
  /** The same, when a batch was taken or is done. Costs nothing while no partition is paused. */
  readonly onRoom: () => void
  /** Resumes partitions that went to another member: they must not be paused when they return. */
  readonly forget: (partitions: readonly number[]) => void
}

/** What may wait over all partitions of a member. */
const MAX_WAITING_BYTES = 32 * 1024 * 1024

/**
 * Every partition that is not full may fetch. Under a shared limit lagging partitions take turns,
 * each until it is full, so that each fills its batches. At the limit no lagging partition fetches.
 * Full: the waiting records fill a batch, or the buffered ones `inFlight` batches (2 at least).
 */
export const createFetchScheduler = (options: FetchSchedulerOptions): FetchScheduler => {
  const { inFlight, maxBatchBytes, maxBufferedBytes, states, pause, resume } = options
  const maxPartitionBytes = Math.max(2, inFlight) * maxBatchBytes
  const paused = new Set<number>()
  let turn = -1

  const chooseFetching = (all: readonly FetchState[]): ReadonlySet<number> => {
    const maxWaitingBytes = Math.min(maxBatchBytes, MAX_WAITING_BYTES / all.length)
    const open = all.filter((one) => one.waitingBytes < maxWaitingBytes && one.bufferedBytes < maxPartitionBytes)
    const fetching = open.filter(({ behind }) => maxBufferedBytes === undefined || !behind)
    const chosen = new Set(fetching.map(({ partition }) => partition))
    const buffered = all.reduce((sum, { bufferedBytes }) => sum + bufferedBytes, 0)
    if (maxBufferedBytes === undefined || buffered >= maxBufferedBytes) return chosen
    const lagging = open.flatMap(({ partition, behind }) => (behind ? [partition] : [])).sort((a, b) => a - b)
    if (lagging.length === 0) return chosen
    turn = lagging.find((partition) => partition >= turn) ?? lagging[0]!
    return chosen.add(turn)
  }

  const letFetch = (partition: number): void => {
    if (paused.delete(partition)) resume(partition)
  }

  const update = (): void => {
    const all = states()
    const chosen = chooseFetching(all)
    for (const { partition } of all) {
      if (chosen.has(partition)) letFetch(partition)
      else if (!paused.has(partition)) {
        paused.add(partition)
        pause(partition)
      }
    }
  }

  return {
    update,
    onRoom: () => {
      if (paused.size > 0) update()
    },
    forget: (partitions) => {
      for (const partition of partitions) letFetch(partition)
    },
  }
}
