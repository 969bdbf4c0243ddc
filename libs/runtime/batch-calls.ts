export type BatchOptions<Call> = {
  readonly handle: (calls: readonly Call[]) => Promise<void>
  /** Size of one call in each of the units that bound a batch, such as records and bytes. */
  readonly sizesOf: (call: Call) => readonly number[]
  /** Largest batch in each unit. A call that is larger alone is a batch of its own. */
  readonly maxSizes: readonly number[]
  /** Awaited before a batch, so that calls at once share it; `isRested`: none ran just before. */
  readonly gather: (isRested: boolean) => Promise<unknown>
  /** Batches at once; absent: 1. A further batch begins only when the waiting calls fill it. */
  readonly maxAtOnce?: number
  /** Whether each call of a batch that failed with this error is retried alone; absent: never. */
  readonly isolates?: (error: unknown) => boolean
}

export type BatchedCalls<Call> = {
  /** Resolves when the call's batch was handled; rejects with the batch's error. */
  readonly call: (call: Call) => Promise<void>
  /** Sizes of the calls that are not yet settled, in each unit. */
  readonly pending: () => readonly number[]
  readonly drained: () => Promise<void>
}

type Waiting<Call> = {
  readonly call: Call
  readonly sizes: readonly number[]
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * Gathers concurrent calls into batches, in order: the next batch collects while one is handled.
 * By hand: `dataloader` 2 bounds a batch by count only and starts all batches at once (2026-11-30).
 */
export const batchCalls = <Call>(options: BatchOptions<Call>): BatchedCalls<Call> => {
  const { handle, sizesOf, maxSizes, gather, maxAtOnce = 1, isolates = () => false } = options
  const waiting: Waiting<Call>[] = []
  const waitingSizes = maxSizes.map(() => 0)
  const pendingSizes = maxSizes.map(() => 0)
  const onDrained: (() => void)[] = []
  let underWay = 0
  let gathering = false

  const take = (): Waiting<Call>[] => {
    const sizes = maxSizes.map(() => 0)
    let count = 0
    for (const next of waiting) {
      if (count > 0 && next.sizes.some((size, i) => sizes[i]! + size > maxSizes[i]!)) break
      next.sizes.forEach((size, i) => {
        sizes[i]! += size
        waitingSizes[i]! -= size
      })
      count++
    }
    return waiting.splice(0, count)
  }

  const settle = (batch: readonly Waiting<Call>[], settleOne: (one: Waiting<Call>) => void): void => {
    for (const one of batch) {
      one.sizes.forEach((size, i) => {
        pendingSizes[i]! -= size
      })
      settleOne(one)
    }
  }

  const run = async (batch: readonly Waiting<Call>[]): Promise<void> => {
    try {
      await handle(batch.map(({ call }) => call))
      settle(batch, ({ resolve }) => resolve())
    } catch (error) {
      if (batch.length > 1 && isolates(error)) for (const one of batch) await run([one])
      else settle(batch, ({ reject }) => reject(error))
    }
  }

  const isFull = (): boolean => waitingSizes.some((size, i) => size >= maxSizes[i]!)

  const fill = (): void => {
    while (waiting.length > 0 && (underWay === 0 || (underWay < maxAtOnce && isFull()))) {
      underWay++
      void run(take()).then(() => {
        underWay--
        fillSoon(false)
      })
    }
    if (waiting.length > 0 || underWay > 0) return
    for (const resolve of onDrained.splice(0)) resolve()
  }

  const fillSoon = (isRested: boolean): void => {
    if (gathering) return
    gathering = true
    void gather(isRested).then(() => {
      gathering = false
      fill()
    })
  }

  return {
    call: (call) =>
      new Promise((resolve, reject) => {
        const sizes = sizesOf(call)
        sizes.forEach((size, i) => {
          waitingSizes[i]! += size
          pendingSizes[i]! += size
        })
        waiting.push({ call, sizes, resolve, reject })
        fillSoon(underWay === 0)
      }),
    pending: () => pendingSizes,
    drained: () =>
      waiting.length === 0 && underWay === 0
        ? Promise.resolve()
        : new Promise((resolve) => {
            onDrained.push(resolve)
          }),
  }
}
