import type { SourceActivity } from '#libs/contracts/source-activity.ts'
import type { Sql } from '#libs/postgres/database.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import { ofSource, ofTenant, type SubjectSnapshot } from '../alerts/alert-subject.ts'
import type { DecidedTransition } from '../alerts/record-transitions.ts'
import { OUTAGE_MUTES } from '../core/alert/outage.ts'
import type { MonitorKey } from '../core/alert/subject.ts'
import type { Decision } from '../core/decision/decide-instants.ts'
import {
  countedSince,
  decideSource,
  decideTenant,
  type InactiveCount,
  inhibitedBy,
  type MonitorContext,
} from '../core/decision/decide-monitor.ts'
import { type MonitorContexts, type MonitorDeps, readMonitorContexts } from './monitor-contexts.ts'
import {
  checkMutedAccounts,
  claimDueMonitors,
  countInactive,
  lockMonitors,
  type MonitorToSave,
  type StoredMonitor,
  saveMonitors,
} from './monitor-store.ts'
import { recordAndNotify } from './record-and-notify.ts'

/** Evaluates the newest activity of each source in one transaction. A known instant is old news. */
export const evaluateActivity = async (
  tx: Sql,
  deps: MonitorDeps,
  messages: readonly SourceActivity[],
): Promise<MonitorsEvaluated> => {
  const newest = new Map<string, SourceActivity>()
  for (const message of messages) {
    const key = JSON.stringify([message.tenantId, message.source])
    const known = newest.get(key)
    if (!known || Date.parse(known.heardAt) <= Date.parse(message.heardAt)) newest.set(key, message)
  }
  const keys = [...newest.values()].map(
    ({ tenantId, source }): MonitorKey => ({ tenantId, kind: 'source', name: source }),
  )
  const monitors = await lockMonitors(tx, keys)
  const contexts = await readMonitorContexts(tx, deps, monitors, 0)
  const evaluated: EvaluatedMonitor[] = []
  for (const monitor of monitors) {
    const message = newest.get(JSON.stringify([monitor.tenantId, monitor.name]))!
    const heardAt = Date.parse(message.heardAt)
    if (monitor.seen && heardAt <= monitor.seen.heardAt) continue
    const before = monitor.seen
    const news = { heardAt, expectedIntervalHours: message.expectedIntervalHours }
    const decision = decideSource(monitor, news, heardAt, contexts.of(monitor))
    const seen = { at: Math.max(heardAt, before?.at ?? 0), ...news }
    evaluated.push({
      monitor: { ...monitor, seen },
      decision,
      subjectSnapshot: (at) => ofSource(monitor, before && at < heardAt ? before : news),
    })
  }
  return write(tx, evaluated, contexts)
}

/** `turned`: tenants at which an outage began or ended; `ongoing`: tenants at which one lasts. */
export type MonitorsEvaluated = {
  readonly monitors: number
  readonly turned: readonly string[]
  readonly ongoing: readonly string[]
}

const NOTHING: MonitorsEvaluated = { monitors: 0, turned: [], ongoing: [] }

export const evaluateDueMonitors = async (
  tx: Sql,
  deps: MonitorDeps,
  now: number,
  limit: number,
): Promise<MonitorsEvaluated> => {
  const monitors = await claimDueMonitors(tx, now, limit)
  if (monitors.length === 0) return NOTHING
  const contexts = await readMonitorContexts(tx, deps, monitors, now)
  const evaluated: EvaluatedMonitor[] = []
  for (const monitor of monitors)
    evaluated.push(
      monitor.kind === 'source'
        ? evaluateSource(monitor, now, contexts.of(monitor))
        : await evaluateTenant(tx, monitor, now, contexts.of(monitor)),
    )
  return write(tx, evaluated, contexts)
}

/** Needs a transaction of its own: accounts are locked before monitors. */
export const recheckMuted = async (
  tx: Sql,
  { turned, ongoing }: Omit<MonitorsEvaluated, 'monitors'>,
  now: number,
): Promise<void> => {
  await checkMutedAccounts(tx, turned, OUTAGE_MUTES, now)
  // Accounts may still wait for an outage to show that has already begun.
  await checkMutedAccounts(tx, ongoing, ['held'], now)
}

type EvaluatedMonitor = {
  readonly monitor: StoredMonitor
  readonly decision: Decision
  readonly subjectSnapshot: (at: number) => SubjectSnapshot
}

const evaluateSource = (monitor: StoredMonitor, now: number, context: MonitorContext): EvaluatedMonitor => {
  const seen = { ...monitor.seen!, at: Math.max(now, monitor.seen!.at) }
  const decision = decideSource(monitor, null, seen.at, context)
  return { monitor: { ...monitor, seen }, decision, subjectSnapshot: () => ofSource(monitor, seen) }
}

const evaluateTenant = async (
  tx: Sql,
  monitor: StoredMonitor,
  now: number,
  context: MonitorContext,
): Promise<EvaluatedMonitor> => {
  const counts = new Map<string, InactiveCount>()
  for (const inForce of context.rules.filter(({ rule }) => rule.about.kind === 'tenant')) {
    const since = countedSince(monitor.states, inForce, now)
    counts.set(inForce.rule.id, await countInactive(tx, monitor.tenantId, since))
  }
  const decision = decideTenant(monitor.states, counts, now, context)
  const most = [...counts.values()].reduce((a, b) => (b.inactive > a.inactive ? b : a), { inactive: 0, active: 0 })
  return { monitor, decision, subjectSnapshot: () => ofTenant(monitor, most) }
}

/** A source that no model expects explains many inactive accounts together, not a single one. */
const isExpected = ({ kind, seen }: StoredMonitor): boolean => kind === 'tenant' || seen?.expectedIntervalHours !== null

const write = async (
  tx: Sql,
  evaluated: readonly EvaluatedMonitor[],
  contexts: MonitorContexts,
): Promise<MonitorsEvaluated> => {
  if (evaluated.length === 0) return NOTHING
  const saved = evaluated.map(({ monitor, decision }): MonitorToSave => {
    const mutes = inhibitedBy(contexts.of(monitor).rules, decision.states)
    const inhibits = isExpected(monitor) ? mutes : mutes.filter((ruleId) => contexts.of(monitor).guardIds.has(ruleId))
    return { ...monitor, states: decision.states, inhibits, nextCheckAt: decision.nextCheckAt }
  })
  await saveMonitors(tx, saved)
  failpoint('alerting.monitors.saved')
  const decided = evaluated.flatMap(({ decision, subjectSnapshot }): DecidedTransition[] =>
    decision.transitions.map((one) => ({ ...one, ...subjectSnapshot(one.at) })),
  )
  await recordAndNotify(tx, { transitions: decided, routing: contexts.routing })
  const isTurned = ({ monitor }: EvaluatedMonitor, i: number) => saved[i]!.inhibits.join() !== monitor.inhibits.join()
  const tenantsOf = (some: readonly MonitorKey[]) => [...new Set(some.map(({ tenantId }) => tenantId))]
  return {
    monitors: evaluated.length,
    turned: tenantsOf(evaluated.filter(isTurned).map(({ monitor }) => monitor)),
    ongoing: tenantsOf(saved.filter(({ inhibits }) => inhibits.length > 0)),
  }
}
