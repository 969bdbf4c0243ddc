export type FlushTurn = {
  /** Resolves when the earlier flushes are written; rejects if one of them failed. */
  readonly earlierWritten: Promise<void>
  /** Ends the preparation and writes after the earlier flushes; rejects if one of them failed. */
  readonly write: (write: () => Promise<void>) => Promise<void>
}

/**
 * Folds a partition's next flush while one is written. A failed flush fails all flushes behind it,
 * since they stand on counts that were never written.
 */
export type FlushPipeline = {
  /** Runs `flush` when the earlier flushes are prepared; it prepares until it calls `write`. */
  readonly run: (flush: (turn: FlushTurn) => Promise<void>) => Promise<void>
}

export const createFlushPipeline = (): FlushPipeline => {
  let prepared: Promise<void> = Promise.resolve()
  let written: Promise<void> = Promise.resolve()
  let underWay = 0
  return {
    run: async (flush) => {
      underWay++
      const earlierWritten = written
      const preparing = Promise.withResolvers<void>()
      const write: FlushTurn['write'] = async (write) => {
        preparing.resolve()
        await earlierWritten
        await write()
      }
      const done = prepared.then(() => flush({ earlierWritten, write }))
      prepared = preparing.promise
      written = done
      done.catch(() => {})
      try {
        await done
      } finally {
        preparing.resolve()
        underWay--
        if (underWay === 0) written = Promise.resolve()
      }
    },
  }
}
