import type { AccountKey } from '#libs/contracts/topics.ts'
import type { Database, Sql } from '#libs/postgres/database.ts'
import { type Clock, sleep } from '#libs/runtime/clock.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import { loadStored } from '../accounts/load-stored.ts'
import { completedRuns } from '../core/journey/journey-runs.ts'
import { decodeState } from '../core/state/state.ts'
import type { LiveModels } from '../models/live-models.ts'
import {
  awaitAccountListLock,
  type Completion,
  LOCK_NOT_AVAILABLE,
  projectFlushes,
  tryAccountListLock,
  writeCompletions,
} from './projection-store.ts'

/**
 * Keeps the account list (and the record of completed onboardings) after the accounts. Beside the flushes, not in them: an indexed
 * row costs several times what an account costs there. How often follows from how long it takes, so that following has no more than
 * a small share of the machine under the greatest load, and is about a second behind otherwise.
 */
export type AccountProjector = {
  /** Resolves when what was committed before the call is listed, or, far behind under load, one round more of it. Never rejects. */
  readonly catchUp: () => Promise<void>
  readonly start: () => void
  readonly stop: () => Promise<void>
}

const IDLE_MS = 1_000
const LONGEST_PAUSE_MS = 30_000
/** Pause after a round, in times of what it took. */
const PAUSE_FACTOR = 40
/** Rows of the log of each partition that are followed at once: many in the background, where one account's are one row of the list. */
const ROWS_PER_ROUND = 20_000
/** A request that finds the list far behind is served from what a little more following gives, or from what another has listed. */
const ROWS_PER_REQUEST = 1_000
const REQUEST_WAIT_MS = 1_000
const STATES_PER_READ = 500

export const createAccountProjector = (deps: {
  readonly database: Database
  readonly clock: Clock
  readonly logger: Logger
  readonly liveModels: LiveModels
}): AccountProjector => {
  const { database, clock, logger, liveModels } = deps
  const stopping = new AbortController()
  let running: Promise<void> = Promise.resolve()
  let last: Promise<unknown> = Promise.resolve()
  let next: Promise<void> | undefined

  const round = (lock: (tx: Sql) => Promise<boolean>, rows: number): Promise<{ readonly behind: boolean }> =>
    database.transaction(async (tx) => {
      if (!(await lock(tx))) return { behind: false }
      const { behind, leftOnboarding } = await projectFlushes(tx, rows)
      for (let from = 0; from < leftOnboarding.length; from += STATES_PER_READ) {
        await recordCompletions(tx, leftOnboarding.slice(from, from + STATES_PER_READ), liveModels)
      }
      return { behind }
    })

  const failed = (error: unknown): { readonly behind: boolean } => {
    if ((error as { code?: string }).code !== LOCK_NOT_AVAILABLE)
      logger.warn({ err: error }, 'the account list could not be brought up to date')
    return { behind: false }
  }

  return {
    catchUp: () => {
      // Whoever asks before a round has begun shares it.
      next ??= last.then(() => {
        next = undefined
        const begun = round((tx) => awaitAccountListLock(tx, REQUEST_WAIT_MS), ROWS_PER_REQUEST).catch(failed)
        last = begun
        return begun.then(() => {})
      })
      return next
    },
    start: () => {
      running = (async () => {
        while (!stopping.signal.aborted) {
          const startedAt = clock.now()
          const { behind } = await round(tryAccountListLock, ROWS_PER_ROUND).catch(failed)
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

const recordCompletions = async (tx: Sql, keys: readonly AccountKey[], liveModels: LiveModels): Promise<void> => {
  const rows = await loadStored(tx, keys, liveModels)
  const completions = rows.flatMap((row): Completion[] =>
    completedRuns(decodeState(row.state), liveModels.version(row), liveModels.zone, row.evaluated_at).map((run) => ({
      tenantId: row.tenant_id,
      accountId: row.account_id,
      journeyId: run.journeyId,
      startedAt: run.startAt,
      completedAt: run.endAt,
    })),
  )
  await writeCompletions(tx, keys, completions)
}
