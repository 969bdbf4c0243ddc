import type { RecordSigner } from '#libs/access/record-signer.ts'
import type { Bus } from '#libs/bus/bus.ts'
import type { Database } from '#libs/postgres/database.ts'
import { type Clock, sleep } from '#libs/runtime/clock.ts'
import { MINUTE_MS } from '#libs/runtime/durations.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import { newId } from '#libs/runtime/ids.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import { type Repeating, repeat } from '#libs/runtime/repeat.ts'
import { evaluateAccountCommand } from '../timers/evaluate-account-command.ts'
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
const LAG_CHECK_MS = 20
const FIRST_PAUSE_MS = 5_000
const LONGEST_PAUSE_MS = MINUTE_MS

type Deps = {
  readonly database: Database
  readonly bus: Bus
  readonly clock: Clock
  readonly logger: Logger
  readonly liveModels: LiveModels
  readonly signer: RecordSigner
  /** Most commands published in a second. */
  readonly perSecond: number
  /** Re-evaluation waits while more records are unscored, so that events never queue for long. */
  readonly maxBacklog: number
  readonly lag: () => Promise<number>
}

/**
 * Re-evaluates a tenant's accounts after its live models or its silent sources changed. A command
 * under the account's own key keeps a single writer; a second command changes nothing. If a process
 * dies, another resumes after the last committed page. Passes repeat until a pass begun after
 * `settledAt` finds no account, since a paused process may still score by the former models.
 */
export const createReevaluator = (deps: Deps): Repeating => {
  const { database, bus, clock, logger, liveModels } = deps

  const isStale = (tenantId: string, account: ScoredBy): boolean => {
    const { model, sources } = liveModels.contextOf(
      { tenantId, model: liveModels.modelFor(tenantId, account.traits ?? {}) },
      clock.now(),
    )
    const { id, version } = model.model
    if (account.modelId !== id || account.modelVersion !== version) return true
    return account.evaluatedAt < sources.changedAt(clock.now()) && Object.keys(model.model.sources).length > 0
  }

  const giveWay = async (published: number, sinceMs: number, stopping: AbortSignal): Promise<void> => {
    const restMs = (published * 1_000) / deps.perSecond - (clock.now() - sinceMs)
    if (restMs > 0) await sleep(clock, restMs, stopping)
    while (!stopping.aborted && (await deps.lag()) > deps.maxBacklog) await sleep(clock, LAG_CHECK_MS, stopping)
  }

  const walk = async (pass: Pass, stopping: AbortSignal): Promise<void> => {
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
          stale.map(({ accountId }) => evaluateAccountCommand({ tenantId, accountId, dueAt: startedAt }, deps.signer)),
        )
        failpoint('scoring.reevaluation.published')
      }
      after = page.at(-1)?.accountId ?? after
      const step = { afterAccountId: after, found: stale.length, until: clock.now() + CLAIM_MS }
      const found = await advancePass(database, pass, step)
      if (found === undefined) return
      if (page.length < PAGE) return end(pass, found)
      await giveWay(stale.length, startedAt, stopping)
      if (stopping.aborted) return releasePass(database, pass)
    }
  }

  const end = async (pass: Pass, found: number): Promise<void> => {
    logger.info({ tenantId: pass.tenantId, pass: pass.passes + 1, accounts: found }, 're-evaluation pass ended')
    const isLast = pass.beginsAt >= pass.settledAt
    if (found === 0 && isLast) return endReevaluation(database, pass)
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** pass.passes)
    const earliest = clock.now() + pauseMs
    await schedulePass(database, pass, found === 0 ? Math.max(earliest, pass.settledAt) : earliest)
  }

  return repeat({ clock, logger, everyMs: TICK_MS, failure: 're-evaluation request failed' }, async (stopping) => {
    const now = clock.now()
    const pass = await claimPass(database, { now, until: now + CLAIM_MS, claim: newId() })
    if (pass !== undefined) await walk(pass, stopping)
  })
}
