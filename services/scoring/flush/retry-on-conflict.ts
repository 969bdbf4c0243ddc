/** Another writer came first, so that nothing of the work was committed. */
const CONFLICTS = new Set(['PU409', '40P01'])
const TRIES = 5

const isConflict = (error: unknown): boolean => {
  const { code, cause } = (error ?? {}) as { code?: string; cause?: unknown }
  return (code !== undefined && CONFLICTS.has(code)) || (cause !== undefined && isConflict(cause))
}

/**
 * Tries a person's change again from the start if it meets a flush or another change. A connection
 * lost in a commit is no conflict: the change may have happened, so the caller hears of it.
 */
export const retryOnConflict = async <Value>(work: () => Promise<Value>): Promise<Value> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (!isConflict(error) || attempt === TRIES) throw error
    }
  }
}
