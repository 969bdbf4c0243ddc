import type { Database } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import { repeat } from '#libs/runtime/repeat.ts'
import type { AlertEpoch } from '../alerts/alert-epoch.ts'
import type { AlertingMetrics } from '../metrics.ts'
import { sendDueDigests } from '../notifications/send-digests.ts'
import { sendDueGroups } from '../notifications/send-groups.ts'
import type { RuleCatalog } from '../rules/rule-store.ts'
import { evaluateDueAccounts } from './evaluate-accounts.ts'
import { evaluateDueMonitors, recheckMuted } from './evaluate-monitors.ts'
import { forgottenTenants } from './monitor-store.ts'

export type AlertTimers = {
  readonly start: () => void
  readonly stop: () => Promise<void>
  readonly runDue: (stopping?: AbortSignal) => Promise<undefined>
}

export type AlertTimersDeps = {
  readonly database: Database
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: AlertingMetrics
  readonly ruleCatalog: RuleCatalog
  readonly epoch: Pick<AlertEpoch, 'isKnown' | 'current'>
  readonly onCommit: () => void
}

const POLL_MS = 500
const RETRY_MS = 5_000
/** How often alerts are searched for that still wait for an outage that is over. */
const REMEMBER_MS = 30_000
const CLAIM = 200

/** Runs what is due without an event. Replicas race for due accounts: each goes to one replica. */
export const createAlertTimers = (deps: AlertTimersDeps): AlertTimers => {
  const { database, clock, logger, metrics, ruleCatalog, epoch, onCommit } = deps
  let rememberAt = 0

  const rememberMuted = async (): Promise<void> => {
    if (clock.now() < rememberAt) return
    rememberAt = clock.now() + REMEMBER_MS
    const turned = await forgottenTenants(database)
    if (turned.length > 0) await database.transaction((tx) => recheckMuted(tx, { turned, ongoing: [] }, clock.now()))
  }

  const evaluateMonitors = async (): Promise<number> => {
    if (!epoch.isKnown()) return 0
    const evaluated = await database.transaction(async (tx) => {
      const deps = { ruleCatalog, epoch: await epoch.current(tx) }
      return evaluateDueMonitors(tx, deps, clock.now(), CLAIM)
    })
    if (evaluated.monitors === 0) return 0
    failpoint('alerting.monitors.after')
    await database.transaction((tx) => recheckMuted(tx, evaluated, clock.now()))
    return evaluated.monitors
  }

  const evaluateAccounts = async (): Promise<number> => {
    const count = await database.transaction(async (tx) => {
      const evaluated = await evaluateDueAccounts(tx, ruleCatalog, clock.now(), CLAIM)
      if (evaluated > 0) failpoint('alerting.timers.before')
      return evaluated
    })
    if (count === 0) return 0
    failpoint('alerting.timers.after')
    metrics.timers(count)
    return count
  }

  const sending = (send: typeof sendDueGroups) => async (): Promise<number> => {
    const sent = await database.transaction((tx) => send(tx, clock.now(), ruleCatalog.reportUnreadable))
    if (sent > 0) failpoint('alerting.notifications.after')
    return sent
  }

  const runDue = async (stopping?: AbortSignal): Promise<undefined> => {
    /** Repeats work until it answers that nothing was due; answers how much there was. */
    const untilNone = async (work: () => Promise<number>): Promise<number> => {
      let total = 0
      while (!stopping?.aborted) {
        const count = await work()
        if (count === 0) break
        total += count
        onCommit()
      }
      return total
    }
    await rememberMuted()
    await untilNone(evaluateMonitors)
    const accounts = await untilNone(evaluateAccounts)
    await untilNone(sending(sendDueGroups))
    await untilNone(sending(sendDueDigests))
    if (accounts > 0) logger.info({ accounts }, 'due alerts evaluated')
  }

  const failure = 'due alerts not evaluated'
  const { start, stop } = repeat({ clock, logger, everyMs: POLL_MS, retryMs: RETRY_MS, failure }, runDue)
  return { runDue, start, stop }
}
