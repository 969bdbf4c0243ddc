import type { AccountHealth } from '#libs/contracts/account-health.ts'
import { UnavailableError } from '#libs/runtime/errors.ts'

/** Transactions at once: a second only when what waits fills it, so that under a light load changes are judged together. */
const MOST_AT_ONCE = 3

type Waiting = {
  readonly changes: readonly AccountHealth[]
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export type EvaluationQueueOptions = {
  /** Judges the changes in one transaction. */
  readonly evaluate: (changes: readonly AccountHealth[]) => Promise<void>
  /** Of one transaction, unless one batch has more. */
  readonly mostChanges: number
}

/**
 * Gathers the batches of all partitions that arrive while others are being judged into one transaction, since a transaction costs the same for one change
 * as for a hundred. Whoever waits for a batch before handing over the next of its partition keeps the order of its accounts. Where a transaction of
 * several batches fails each is judged alone, so that none fails for what is in another.
 */
export const createEvaluationQueue = ({ evaluate, mostChanges }: EvaluationQueueOptions) => {
  const waiting: Waiting[] = []
  let waitingChanges = 0
  let underWay = 0
  let filling = false

  const take = (): Waiting[] => {
    const taken: Waiting[] = []
    let changes = 0
    for (let next = waiting[0]; next; next = waiting[0]) {
      if (taken.length > 0 && changes + next.changes.length > mostChanges) break
      taken.push(waiting.shift()!)
      changes += next.changes.length
    }
    waitingChanges -= changes
    return taken
  }

  const evaluateTogether = async (taken: readonly Waiting[]): Promise<void> => {
    try {
      await evaluate(taken.flatMap(({ changes }) => changes))
      for (const { resolve } of taken) resolve()
    } catch (error) {
      if (taken.length === 1 || error instanceof UnavailableError) for (const { reject } of taken) reject(error)
      else for (const one of taken) await evaluateTogether([one])
    }
  }

  const fill = (): void => {
    filling = false
    while (waiting.length > 0 && (underWay === 0 || (underWay < MOST_AT_ONCE && waitingChanges >= mostChanges))) {
      underWay++
      void evaluateTogether(take()).then(() => {
        underWay--
        fillSoon()
      })
    }
  }

  /** One turn of the loop later: what arrives together is judged together. */
  const fillSoon = (): void => {
    if (filling) return
    filling = true
    setImmediate(fill)
  }

  /** Resolves when the changes are judged and committed. */
  return (changes: readonly AccountHealth[]): Promise<void> =>
    new Promise((resolve, reject) => {
      waiting.push({ changes, resolve, reject })
      waitingChanges += changes.length
      fillSoon()
    })
}
