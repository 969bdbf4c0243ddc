import type { Database, Sql } from '#libs/postgres/database.ts'
import { type Clock, sleep } from '#libs/runtime/clock.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import type { Logger } from '#libs/runtime/logger.ts'
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
  /** Judges all that is due now; answers how many accounts. */
  readonly runDue: () => Promise<number>
}

export type AlertTimersDeps = {
  readonly database: Database
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: AlertingMetrics
  readonly ruleCatalog: RuleCatalog
  readonly onCommit: () => void
}

const POLL_MS = 500
const RETRY_MS = 5_000
/** How often alerts are looked for that nobody told that an outage is over. */
const REMEMBER_MS = 30_000
const CLAIM = 200

/** Dwells, reminders, cooldowns, snoozes and spans that end without an event. Replicas race for due accounts; each goes to one. */
export const createAlertTimers = (deps: AlertTimersDeps): AlertTimers => {
  const { database, clock, logger, metrics, ruleCatalog, onCommit } = deps
  const stopping = new AbortController()
  let running: Promise<void> | undefined

  let rememberAt = 0
  const runDueMonitors = async (): Promise<void> => {
    if (clock.now() >= rememberAt) {
      rememberAt = clock.now() + REMEMBER_MS
      const turned = await forgottenTenants(database)
      if (turned.length > 0) await database.transaction((tx) => recheckMuted(tx, { turned, ongoing: [] }, clock.now()))
    }
    while (!stopping.signal.aborted) {
      const evaluated = await database.transaction((tx) => evaluateDueMonitors(tx, ruleCatalog, clock.now(), CLAIM))
      if (evaluated.monitors === 0) break
      failpoint('alerting.monitors.after')
      await database.transaction((tx) => recheckMuted(tx, evaluated, clock.now()))
      onCommit()
    }
  }

  const sendAll = async (sendDue: (tx: Sql, now: number) => Promise<number>): Promise<void> => {
    while (!stopping.signal.aborted) {
      const sent = await database.transaction((tx) => sendDue(tx, clock.now()))
      if (sent === 0) break
      failpoint('alerting.notifications.after')
      onCommit()
    }
  }

  const runDue = async (): Promise<number> => {
    await runDueMonitors()
    let total = 0
    while (!stopping.signal.aborted) {
      const count = await database.transaction(async (tx) => {
        const evaluated = await evaluateDueAccounts(tx, ruleCatalog, clock.now(), CLAIM)
        if (evaluated > 0) failpoint('alerting.timers.before')
        return evaluated
      })
      if (count === 0) break
      failpoint('alerting.timers.after')
      total += count
      onCommit()
      metrics.timers(count)
    }
    await sendAll(sendDueGroups)
    await sendAll(sendDueDigests)
    if (total > 0) logger.info({ accounts: total }, 'timers judged')
    return total
  }

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      let waitMs = POLL_MS
      try {
        await runDue()
      } catch (error) {
        logger.warn({ err: error }, 'timers not judged')
        waitMs = RETRY_MS
      }
      await sleep(clock, waitMs, stopping.signal)
    }
  }

  return {
    runDue,
    start: () => {
      running = run()
    },
    stop: async () => {
      stopping.abort()
      await running
    },
  }
}
