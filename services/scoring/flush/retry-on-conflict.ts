import { UnavailableError } from '#libs/runtime/errors.ts'

const TRIES = 5
const DEADLOCK = '40P01'

/** Tries a person's change again from the start if it meets a flush or another change. */
export const retryOnConflict = async <Value>(work: () => Promise<Value>): Promise<Value> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      const isConflict = error instanceof UnavailableError || (error as { code?: string }).code === DEADLOCK
      if (!isConflict || attempt === TRIES) throw error
    }
  }
}
