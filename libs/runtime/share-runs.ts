/**
 * Answers a function that starts `run`, never two runs at once. Calls that arrive before a run has begun share that run;
 * a call during a run waits for the next one, so each caller sees all that happened before its call.
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
