import type { Sql } from '#libs/postgres/database.ts'
import type { RuleInForce } from '../core/alert/rule-states.ts'
import type { MonitorKey } from '../core/alert/subject.ts'
import type { MonitorContext } from '../core/decision/decide-monitor.ts'
import type { RoutingContext } from '../notifications/route-notifications.ts'
import type { RuleCatalog } from '../rules/rule-store.ts'
import { readTenants } from './evaluation-context.ts'

export type MonitorContexts = {
  readonly routing: RoutingContext
  /** `guardIds`: the rules that watch all accounts together. */
  readonly of: (monitor: MonitorKey) => MonitorContext & { readonly guardIds: ReadonlySet<string> }
}

export type MonitorDeps = {
  readonly ruleCatalog: RuleCatalog
  /** As it was read in the same transaction. */
  readonly epoch: number
}

export const readMonitorContexts = async (
  tx: Sql,
  { ruleCatalog, epoch }: MonitorDeps,
  monitors: readonly MonitorKey[],
  since: number,
): Promise<MonitorContexts> => {
  const { rules, silences, outages, policies } = await readTenants(tx, ruleCatalog, monitors, since)
  return {
    routing: { policies, reportUnreadable: ruleCatalog.reportUnreadable },
    of: (monitor) => {
      const { tenantId, kind } = monitor
      const all = rules.get(tenantId) ?? []
      const guards = all.filter(({ rule }) => rule.about.kind === 'tenant')
      // An inactive source explains an outage; nothing explains an inactive source.
      const explaining = kind === 'source' ? [] : (outages.get(tenantId) ?? [])
      return {
        rules: rulesAbout(all, monitor),
        guardIds: new Set(guards.map(({ rule }) => rule.id)),
        silences: silences.get(tenantId) ?? [],
        policy: policies.get(tenantId) ?? null,
        epoch,
        outages: explaining.map(({ mutes }) => ({ mutes, quietSince: null })),
      }
    },
  }
}

const rulesAbout = (rules: readonly RuleInForce[], { kind, name }: MonitorKey): readonly RuleInForce[] =>
  rules
    .filter(({ rule }) => rule.about.kind === kind)
    .map((inForce) => {
      const { about } = inForce.rule
      // A rule is switched off for a source that it leaves out: that ends the alerts it opened.
      const isOut = about.kind === 'source' && about.sources !== null && !about.sources.includes(name)
      return isOut ? { rule: { ...inForce.rule, enabled: false }, version: `${inForce.version}-` } : inForce
    })
