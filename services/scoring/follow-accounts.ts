import type { Database, Sql } from '#libs/postgres/database.ts'
import { type Clock, sleep } from '#libs/runtime/clock.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import { type AccountKey, loadAccounts } from './account-store.ts'
import type { Catalog } from './catalog.ts'
import { completedRuns } from './core/journey-runs.ts'
import { decodeState } from './core/state.ts'
import { type Completion, followFlushes, lockAccountList, writeCompletions } from './follow-accounts-store.ts'

/**
 * Keeps the account list (and the record of completed onboardings) after the accounts. Beside the flushes, not in them: an indexed
 * row costs several times what an account costs there. How often follows from how long it takes, so that following has no more than
 * a small share of the machine under the greatest load, and is about a second behind otherwise.
 */
export type AccountFollower = {
  /** Resolves when what was committed before the call is listed, or, far behind under load, one round more of it. Never rejects. */
  readonly catchUp: () => Promise<void>
  readonly start: () => void
  readonly stop: () => Promise<void>
}

const IDLE_MS = 1_000
const LONGEST_PAUSE_MS = 30_000
/** Pause after a round, in times of what it took. */
const PAUSE_FACTOR = 40
const FLUSHES_PER_ROUND = 20
const STATES_PER_READ = 500

export const createAccountFollower = (deps: {
  readonly database: Database
  readonly clock: Clock
  readonly logger: Logger
  readonly catalog: Catalog
}): AccountFollower => {
  const { database, clock, logger, catalog } = deps
  const stopping = new AbortController()
  let running: Promise<void> = Promise.resolve()
  let last: Promise<unknown> = Promise.resolve()
  let next: Promise<void> | undefined

  const round = (wait: boolean): Promise<{ readonly behind: boolean }> =>
    database.transaction(async (tx) => {
      if (!(await lockAccountList(tx, wait))) return { behind: false }
      const { behind, leftOnboarding } = await followFlushes(tx, FLUSHES_PER_ROUND)
      for (let from = 0; from < leftOnboarding.length; from += STATES_PER_READ) {
        await recordCompletions(tx, leftOnboarding.slice(from, from + STATES_PER_READ), catalog)
      }
      return { behind }
    })

  const failed = (error: unknown): { readonly behind: boolean } => {
    logger.warn({ err: error }, 'the account list could not be brought up to date')
    return { behind: false }
  }

  return {
    catchUp: () => {
      // Whoever asks before a round has begun shares it.
      next ??= last.then(() => {
        next = undefined
        const begun = round(true).catch(failed)
        last = begun
        return begun.then(() => {})
      })
      return next
    },
    start: () => {
      running = (async () => {
        while (!stopping.signal.aborted) {
          const startedAt = clock.now()
          const { behind } = await round(false).catch(failed)
          const pauseMs = Math.min(LONGEST_PAUSE_MS, (clock.now() - startedAt) * PAUSE_FACTOR)
          await sleep(clock, behind ? pauseMs : Math.max(IDLE_MS, pauseMs), stopping.signal)
        }
      })()
    },
    stop: async () => {
      stopping.abort()
      await running
      await last
    },
  }
}

const recordCompletions = async (tx: Sql, keys: readonly AccountKey[], catalog: Catalog): Promise<void> => {
  const rows = await loadAccounts(tx, keys)
  await catalog.load(rows)
  const completions = rows.flatMap((row): Completion[] =>
    completedRuns(decodeState(row.state), catalog.version(row), catalog.zone, row.evaluated_at).map((run) => ({
      tenantId: row.tenant_id,
      accountId: row.account_id,
      journeyId: run.journeyId,
      startedAt: run.startAt,
      completedAt: run.endAt,
    })),
  )
  await writeCompletions(tx, keys, completions)
}
