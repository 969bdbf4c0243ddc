/** One run at a time. A call during a run waits for the next one: it sees all that preceded it. */
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
