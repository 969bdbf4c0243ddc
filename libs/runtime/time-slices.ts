import { monotonicMs } from './clock.ts'

/** Work between two turns of the event loop: long enough to get on, too short to be noticed. */
const SLICE_MS = 6

const waiting: (() => void)[] = []
const wakeOne = (): void => {
  waiting.shift()?.()
  if (waiting.length > 0) setImmediate(wakeOne)
}

/** One waiter a turn of the event loop: eight long pieces of work delay it no more than one. */
const nextTurn = (): Promise<void> =>
  new Promise((resolve) => {
    waiting.push(resolve)
    if (waiting.length === 1) setImmediate(wakeOne)
  })

/** Long work of one request, cut into slices: `if (slices.isOver()) await slices.next()`. */
export type TimeSlices = {
  readonly isOver: () => boolean
  /** Resolves when the event loop has turned, and this work is the next of all that wait. */
  readonly next: () => Promise<void>
}

export const createTimeSlices = (): TimeSlices => {
  let endsAt = monotonicMs() + SLICE_MS
  return {
    isOver: () => monotonicMs() >= endsAt,
    next: async () => {
      await nextTurn()
      endsAt = monotonicMs() + SLICE_MS
    },
  }
}
