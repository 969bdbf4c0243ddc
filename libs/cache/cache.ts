export type Count = {
  readonly count: number
  /** Until the counter is gone. */
  readonly endsInMs: number
}

/** What processes share for a while and can do without: nothing of value lives only here, and no call fails or waits long. */
export type Cache = {
  /** Never fails: what cannot be reached now is tried again. */
  readonly start: () => Promise<void>
  readonly stop: () => Promise<void>
  /** Adds one to the counter of that name, which ends `windowMs` after its first count. While the shared counter is away, this process's own serves. */
  readonly count: (name: string, windowMs: number) => Promise<Count>
}
