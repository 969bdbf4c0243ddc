import type { Bus } from '#libs/bus/bus.ts'
import type { Database } from '#libs/postgres/database.ts'
import { type Clock, sleep } from '#libs/runtime/clock.ts'
import { MINUTE_MS } from '#libs/runtime/durations.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import { newId } from '#libs/runtime/ids.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import { evaluateRecord } from '../timers/evaluate-message.ts'
import type { LiveModels } from './live-models.ts'
import {
  advancePass,
  claimPass,
  endReevaluation,
  type Pass,
  readScoredBy,
  releasePass,
  type ScoredBy,
  schedulePass,
} from './reevaluation-store.ts'

const TICK_MS = 250
const CLAIM_MS = 30_000
const PAGE = 1_000
const LOOK_AGAIN_MS = 20
const FIRST_PAUSE_MS = 5_000
const LONGEST_PAUSE_MS = MINUTE_MS

export type Reevaluator = { readonly start: () => void; readonly stop: () => Promise<void> }

type Deps = {
  readonly database: Database
  readonly bus: Bus
  readonly clock: Clock
  readonly logger: Logger
  readonly liveModels: LiveModels
  /** Accounts a second that are put on the topic at most. */
  readonly perSecond: number
  /** Waits while more records than this are not yet scored by this process: events never queue behind many accounts. */
  readonly maxBacklog: number
  readonly lag: () => Promise<number>
}

/**
 * Has the accounts of a tenant looked at when its live models or the silence of its sources changed: those scored otherwise are put
 * on `usage.events` under their own key, so that an account keeps one writer. One process works on a tenant; should it die, another
 * goes on after the last page written down. Passes are made until a late one finds no account left, so that one that a paused
 * process scored by what it knew before is found too. An account asked for twice has nothing to do the second time.
 */
export const createReevaluator = (deps: Deps): Reevaluator => {
  const { database, bus, clock, logger, liveModels } = deps
  const stopping = new AbortController()
  let running: Promise<void> = Promise.resolve()

  const isStale = (tenantId: string, account: ScoredBy): boolean => {
    const { model, sources } = liveModels.contextOf(
      { tenantId, model: liveModels.modelFor(tenantId, account.traits ?? {}) },
      clock.now(),
    )
    const { id, version } = model.model
    if (account.model_id !== id || account.model_version !== version) return true
    return account.evaluated_at < sources.changedAt(clock.now()) && Object.keys(model.model.sources).length > 0
  }

  /** Keeps to the rate, and lets the events that wait go first. */
  const giveWay = async (published: number, sinceMs: number): Promise<void> => {
    const restMs = (published * 1_000) / deps.perSecond - (clock.now() - sinceMs)
    if (restMs > 0) await sleep(clock, restMs, stopping.signal)
    while (!stopping.signal.aborted && (await deps.lag()) > deps.maxBacklog)
      await sleep(clock, LOOK_AGAIN_MS, stopping.signal)
  }

  const walk = async (pass: Pass): Promise<void> => {
    const { tenantId } = pass
    await liveModels.refresh()
    let after = pass.afterAccountId ?? ''
    for (;;) {
      const startedAt = clock.now()
      const page = await readScoredBy(database, tenantId, after, PAGE)
      const stale = page.filter((account) => isStale(tenantId, account))
      if (stale.length > 0) {
        await bus.publish(
          'usage.events',
          stale.map(({ account_id }) => evaluateRecord(tenantId, account_id, startedAt)),
        )
        failpoint('scoring.reevaluation.published')
      }
      after = page.at(-1)?.account_id ?? after
      const step = { afterAccountId: after, found: stale.length, until: clock.now() + CLAIM_MS }
      const found = await advancePass(database, pass, step)
      if (found === undefined) return
      if (page.length < PAGE) return end(pass, found)
      await giveWay(stale.length, startedAt)
      if (stopping.signal.aborted) return releasePass(database, pass)
    }
  }

  const end = async (pass: Pass, found: number): Promise<void> => {
    logger.info({ tenantId: pass.tenantId, pass: pass.passes + 1, accounts: found }, 'accounts to be scored anew')
    const isLast = pass.beginsAt >= pass.settledAt
    if (found === 0 && isLast) return endReevaluation(database, pass)
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** pass.passes)
    const soonest = clock.now() + pauseMs
    await schedulePass(database, pass, found === 0 ? Math.max(soonest, pass.settledAt) : soonest)
  }

  const tick = async (): Promise<void> => {
    const now = clock.now()
    const pass = await claimPass(database, { now, until: now + CLAIM_MS, claim: newId() })
    if (pass !== undefined) await walk(pass)
  }

  return {
    start: () => {
      running = (async () => {
        while (!stopping.signal.aborted) {
          await tick().catch((error) => logger.warn({ err: error }, 'accounts could not be asked to be scored anew'))
          await sleep(clock, TICK_MS, stopping.signal)
        }
      })()
    },
    stop: async () => {
      stopping.abort()
      await running
    },
  }
}
