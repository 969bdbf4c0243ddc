/**
 * The flushes of one partition, one behind the other: while one is being written the next is already folded onto it in memory.
 * When one fails, those behind it fail too without being tried, since they stand on what was never written.
 */
export type FlushPipeline = {
  /** Runs `prepare` after the earlier ones prepared (it is given when they will have written), then what it answers after they wrote. */
  readonly run: <Prepared>(
    prepare: (earlierWritten: Promise<void>) => Promise<Prepared>,
    write: (prepared: Prepared) => Promise<void>,
  ) => Promise<void>
}

export const createFlushPipeline = (): FlushPipeline => {
  /** Settled without an answer: what was prepared last must not stay in memory until the next. */
  let prepared: Promise<void> = Promise.resolve()
  let written: Promise<void> = Promise.resolve()
  let underWay = 0
  return {
    run: async (prepare, write) => {
      underWay++
      const before = written
      const ready = prepared.then(() => prepare(before))
      prepared = ready.then(
        () => {},
        () => {},
      )
      const done = ready.then(async (value) => {
        await before
        await write(value)
      })
      written = done
      done.catch(() => {})
      try {
        await done
      } finally {
        underWay--
        if (underWay === 0) written = Promise.resolve()
      }
    },
  }
}
