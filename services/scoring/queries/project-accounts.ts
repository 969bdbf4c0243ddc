import type { AccountKey } from '#libs/contracts/topics.ts'
import type { Database, Sql } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import { type Repeating, repeat } from '#libs/runtime/repeat.ts'
import { shareRuns } from '#libs/runtime/share-runs.ts'
import { loadStored } from '../accounts/load-stored.ts'
import { decodeState } from '../core/codec/state-codec.ts'
import { completedRuns } from '../core/journey/journey-runs.ts'
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
 * Projects accounts onto the account list and completed onboardings, outside of the flush
 * transaction: an indexed row costs several times as much as an account there. The list is
 * about a second behind, and further behind under load.
 */
export type AccountProjector = Pick<Repeating, 'start' | 'stop'> & {
  /** Projects what was committed before the call, in one round. Never rejects. */
  readonly catchUp: () => Promise<void>
}

const IDLE_MS = 1_000
const LONGEST_PAUSE_MS = 30_000
/** Pause, as a multiple of the round's duration: projection takes a small share of the machine. */
const PAUSE_FACTOR = 40
/** Log rows per partition in a background round: all rows of an account become one list row. */
const ROWS_PER_ROUND = 20_000
/** Log rows per partition in a round that a request waits for. */
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

  const project = (lock: (tx: Sql) => Promise<boolean>, rows: number): Promise<boolean> =>
    database.transaction(async (tx) => {
      if (!(await lock(tx))) return false
      const { behind, leftOnboarding } = await projectFlushes(tx, rows)
      for (let from = 0; from < leftOnboarding.length; from += STATES_PER_READ) {
        await recordCompletions(tx, leftOnboarding.slice(from, from + STATES_PER_READ), liveModels)
      }
      return behind
    })

  const failure = 'account list could not be updated'
  const { start, stop } = repeat({ clock, logger, everyMs: IDLE_MS, failure }, async () => {
    const startedAt = clock.now()
    const behind = await project(tryAccountListLock, ROWS_PER_ROUND)
    const pauseMs = Math.min(LONGEST_PAUSE_MS, (clock.now() - startedAt) * PAUSE_FACTOR)
    return behind ? pauseMs : Math.max(IDLE_MS, pauseMs)
  })

  const catchUp = shareRuns(async (): Promise<void> => {
    try {
      await project((tx) => awaitAccountListLock(tx, REQUEST_WAIT_MS), ROWS_PER_REQUEST)
    } catch (error) {
      // While another process projects, the request gets the list as it stands.
      if ((error as { cause?: { code?: string } }).cause?.code !== LOCK_NOT_AVAILABLE)
        logger.warn({ err: error }, failure)
    }
  })

  return { start, stop, catchUp }
}

const recordCompletions = async (tx: Sql, keys: readonly AccountKey[], liveModels: LiveModels): Promise<void> => {
  const rows = await loadStored(tx, keys, liveModels)
  const completions = rows.flatMap((row): Completion[] =>
    completedRuns(decodeState(row.state), liveModels.version(row), liveModels.zone, row.evaluatedAt).map((run) => ({
      tenantId: row.tenantId,
      accountId: row.accountId,
      journeyId: run.journeyId,
      startedAt: run.startAt,
      completedAt: run.endAt,
    })),
  )
  await writeCompletions(tx, keys, completions)
}
