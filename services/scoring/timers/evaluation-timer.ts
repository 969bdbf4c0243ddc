import type { Bus } from '#libs/bus/bus.ts'
import type { Database } from '#libs/postgres/database.ts'
import { type Clock, sleep } from '#libs/runtime/clock.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import { claimDueAccounts } from './due-store.ts'
import { evaluateRecord } from './evaluate-message.ts'

const TICK_MS = 250
const CLAIM_MS = 30_000
const MAX_CLAIMED = 1_000

/**
 * Notices accounts that time alone moves: those whose `next_evaluation_at` has come are put on `usage.events` under their own key, so
 * that an account keeps one writer. Several processes may race: an account is claimed by one, for 30 s; should that one die, the
 * claim lapses. An evaluation that comes twice finds nothing due the second time.
 */
export const createEvaluationTimer = (deps: {
  readonly database: Database
  readonly bus: Bus
  readonly clock: Clock
  readonly logger: Logger
}): { readonly start: () => void; readonly stop: () => Promise<void>; readonly tick: () => Promise<number> } => {
  const { database, bus, clock, logger } = deps
  const stopping = new AbortController()
  let running: Promise<void> = Promise.resolve()

  const tick = async (): Promise<number> => {
    const now = clock.now()
    const due = await claimDueAccounts(database, { now, until: now + CLAIM_MS, limit: MAX_CLAIMED })
    if (due.length === 0) return 0
    failpoint('scoring.due.claimed')
    const records = due.map((account) => evaluateRecord(account.tenant_id, account.account_id, account.due_at))
    await bus.publish('usage.events', records)
    failpoint('scoring.due.published')
    return due.length
  }

  return {
    tick,
    start: () => {
      running = (async () => {
        while (!stopping.signal.aborted) {
          const claimed = await tick().catch((error) => {
            logger.warn({ err: error }, 'due accounts could not be published')
            return 0
          })
          if (claimed < MAX_CLAIMED) await sleep(clock, TICK_MS, stopping.signal)
        }
      })()
    },
    stop: async () => {
      stopping.abort()
      await running
    },
  }
}
