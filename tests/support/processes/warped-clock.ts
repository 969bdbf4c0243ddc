import { type Clock, systemClock } from '#libs/runtime/clock.ts'

/**
 * Time that flows as it does everywhere, from another beginning, and jumps forward when it is told
 * to.
 */
export type WarpedClock = Clock & {
  /** Never backwards. What falls due on the way is woken, the longest due first. */
  readonly jumpTo: (atMs: number) => void
}

type Timer = { readonly dueAt: number; readonly wake: () => void; cancel: () => void }

export const createWarpedClock = (startMs: number): WarpedClock => {
  let aheadMs = startMs - systemClock.now()
  const timers = new Set<Timer>()
  const now = (): number => systemClock.now() + aheadMs
  const arm = (timer: Timer): void => {
    timer.cancel = systemClock.after(timer.dueAt - now(), () => {
      timers.delete(timer)
      timer.wake()
    })
  }
  return {
    now,
    after: (delayMs, wake) => {
      const timer: Timer = { dueAt: now() + Math.max(0, delayMs), wake, cancel: () => {} }
      timers.add(timer)
      arm(timer)
      return () => {
        timers.delete(timer)
        timer.cancel()
      }
    },
    jumpTo: (atMs) => {
      aheadMs += Math.max(0, atMs - now())
      for (const timer of [...timers].sort((a, b) => a.dueAt - b.dueAt)) {
        timer.cancel()
        arm(timer)
      }
    },
  }
}
