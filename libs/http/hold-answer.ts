import { monotonicMs } from '#libs/runtime/clock.ts'

/** Calls `make` once at a time. All calls get its answer until that is `holdMs` old. */
export const holdAnswer = <T>(holdMs: number, make: () => Promise<T>): (() => Promise<T>) => {
  let answer: Promise<T> | undefined
  let heldUntil = Number.POSITIVE_INFINITY
  return () => {
    if (answer && monotonicMs() < heldUntil) return answer
    heldUntil = Number.POSITIVE_INFINITY
    answer = make().finally(() => {
      heldUntil = monotonicMs() + holdMs
    })
    return answer
  }
}
