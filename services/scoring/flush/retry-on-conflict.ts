import { UnavailableError } from '#libs/runtime/errors.ts'

const TRIES = 5
const DEADLOCK = '40P01'

/** A person's change may meet a flush of the same account, or another person's: then it is made again from the start. */
export const whileContended = async <Value>(work: () => Promise<Value>): Promise<Value> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      const isContended = error instanceof UnavailableError || (error as { code?: string }).code === DEADLOCK
      if (!isContended || attempt === TRIES) throw error
    }
  }
}
