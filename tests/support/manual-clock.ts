import type { Clock } from '#libs/runtime/clock.ts'

export type ManualClock = Clock & {
  /**
   * Moves time forward and runs, in order of their instants, the timers that fall due on the way.
   */
  readonly advance: (byMs: number) => void
  /** Moves time to `atMs`; never backwards. */
  readonly moveTo: (atMs: number) => void
}

/** A clock that stands still until a test moves it. */
export const createManualClock = (startMs: number): ManualClock => {
  let nowMs = startMs
  let timers: { dueMs: number; wake: () => void }[] = []
  const moveTo = (atMs: number): void => {
    for (;;) {
      const next = timers.filter((timer) => timer.dueMs <= atMs).sort((a, b) => a.dueMs - b.dueMs)[0]
      if (!next) break
      timers = timers.filter((timer) => timer !== next)
      nowMs = Math.max(nowMs, next.dueMs)
      next.wake()
    }
    nowMs = Math.max(nowMs, atMs)
  }
  return {
    now: () => nowMs,
    after: (delayMs, wake) => {
      const timer = { dueMs: nowMs + Math.max(0, delayMs), wake }
      timers.push(timer)
      return () => {
        timers = timers.filter((other) => other !== timer)
      }
    },
    advance: (byMs) => moveTo(nowMs + byMs),
    moveTo,
  }
}
