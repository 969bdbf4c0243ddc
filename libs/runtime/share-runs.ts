/**
 * Answers a function that runs `run`, one run at a time. Calls before a run begins share it; a call
 * during a run waits for the next one. So each caller sees everything that preceded its call.
 */
export const shareRuns = <Result>(run: () => Promise<Result>): (() => Promise<Result>) => {
  let last: Promise<unknown> = Promise.resolve()
  let next: Promise<Result> | undefined
  return () => {
    if (next === undefined) {
      next = last.then(() => {
        next = undefined
        return run()
      })
      last = next.catch(() => {})
    }
    return next
  }
}
