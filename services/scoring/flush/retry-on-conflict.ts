import { UnavailableError } from '#libs/runtime/errors.ts'

const TRIES = 5
const DEADLOCK = '40P01'

/**
 * A person's change may meet a flush of the same account, or the change of another person: it is
 * then tried again from the start.
 */
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
