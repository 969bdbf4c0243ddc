import { type Figure, type Run, withCleanup } from './bench-run.ts'
import type { MadeEvent } from './make-events.ts'
import { cpuSecondsOf, postgresCpuSeconds } from './process-use.ts'
import { startScorer } from './scorer.ts'

const DAY_MS = 86_400_000
const USERS = 100_000
const SMALL_USERS = 10
/** As many as a batch from the log holds. */
const PER_FLUSH = 4_000
const EVENTS_PER_USER = 10

let made = 0
const eventOf = (accountId: string, user: number, at: number): MadeEvent => ({
  id: `big-${(made++).toString(36)}`,
  source: 'backend',
  type: 'Feature Used',
  accountId,
  userId: `user-${user.toString(36).padStart(8, '0')}`,
  occurredAt: new Date(at).toISOString(),
  properties: { feature: 'reports', core: true },
})

/** Of this process and PostgreSQL: a busy machine moves it less than the clock. */
const processorSeconds = (): number => cpuSecondsOf(process.pid) + postgresCpuSeconds()

/**
 * Processor time per event of an account with 100,000 users to that of one with ten, both with the
 * same number of events: after a day on which all were active, a day on which some are, in random
 * order, ten events each. A user's first event of a day writes the page that the user is on.
 */
export const bigAccount = async (run: Run): Promise<Figure> =>
  withCleanup(async (defer) => {
    const { flush, batchOf } = await startScorer(defer)
    const yesterday = Date.now() - DAY_MS
    for (let from = 0; from < USERS; from += PER_FLUSH) {
      const numbers = Array.from({ length: Math.min(PER_FLUSH, USERS - from) }, (_, i) => from + i)
      await flush(batchOf(numbers.map((user) => eventOf('big', user, yesterday))))
      await flush(batchOf(numbers.map((user) => eventOf('small', user % SMALL_USERS, yesterday))))
    }
    const spent = { big: 0, small: 0 }
    const activeUsers = run.sizes.bigAccountActiveUsers
    const events = activeUsers * EVENTS_PER_USER
    for (let from = 0; from < events; from += PER_FLUSH) {
      for (const account of ['big', 'small'] as const) {
        const user = () => Math.floor(Math.random() * (account === 'big' ? activeUsers : SMALL_USERS))
        const batch = batchOf(Array.from({ length: PER_FLUSH }, () => eventOf(account, user(), Date.now())))
        const before = processorSeconds()
        await flush(batch)
        spent[account] += processorSeconds() - before
      }
    }
    return { bench: 'big-account', events, eachUs: (spent.big * 1e6) / events, ratio: spent.big / spent.small }
  })
