import type { Sql } from '#libs/postgres/database.ts'
import type { Outage } from '../core/alert/outage.ts'
import { nextDue, type RuleInForce } from '../core/alert/rule-states.ts'
import type { Silence } from '../core/alert/silence.ts'
import type { AccountKey } from '../core/alert/subject.ts'
import type { EvaluationContext } from '../core/decision/decide-account.ts'
import type { RoutingContext } from '../notifications/route-notifications.ts'
import { policiesOf } from '../policy/policy-store.ts'
import { silencesOf } from '../policy/silence-store.ts'
import type { RuleCatalog } from '../rules/rule-store.ts'
import type { StoredAccount } from './account-store.ts'
import { outagesOf } from './monitor-store.ts'
import { type Guard, longestHold } from './outage-suspicion.ts'

type ByTenant<Value> = ReadonlyMap<string, Value>

export type TenantContexts = RoutingContext & {
  readonly rules: ByTenant<readonly RuleInForce[]>
  readonly silences: ByTenant<readonly Silence[]>
  readonly outages: ByTenant<readonly Outage[]>
}

/** Reads, once per transaction, what decides about all alerts of these tenants from `since` on. */
export const readTenants = async (
  tx: Sql,
  ruleCatalog: RuleCatalog,
  subjects: readonly { readonly tenantId: string }[],
  since: number,
): Promise<TenantContexts> => {
  const { reportUnreadable } = ruleCatalog
  const tenantIds = [...new Set(subjects.map(({ tenantId }) => tenantId))]
  return {
    rules: await ruleCatalog.rulesInForce(tx, tenantIds),
    silences: await silencesOf(tx, tenantIds, since, reportUnreadable),
    outages: await outagesOf(tx, tenantIds),
    policies: await policiesOf(tx, tenantIds, reportUnreadable),
    reportUnreadable,
  }
}

/** Everything that decides about alerts of accounts, except what was seen of the accounts. */
export type ContextReader = {
  readonly routing: RoutingContext
  readonly of: (account: AccountKey) => EvaluationContext
  readonly outages: (tenantId: string) => readonly Outage[]
  readonly guards: (tenantId: string) => readonly Guard[]
}

/** Reads the context once per transaction, back to the earliest instant that is due. */
export const readEvaluationContext = async (
  tx: Sql,
  ruleCatalog: RuleCatalog,
  accounts: readonly StoredAccount[],
  at: number,
): Promise<ContextReader> => {
  const since = accounts.reduce((first, { states }) => Math.min(first, nextDue(states) ?? first), at)
  const { rules, silences, outages, policies } = await readTenants(tx, ruleCatalog, accounts, since)
  const ofAccounts = new Map(
    [...rules].map(([tenantId, all]) => [tenantId, all.filter(({ rule }) => rule.about.kind === 'account')]),
  )
  const mutingAccounts = new Map(
    [...outages].map(([tenantId, all]) => {
      const ruleIds = ofAccounts.get(tenantId)?.map(({ rule }) => rule.id) ?? []
      return [tenantId, all.filter(({ mutes }) => mutes.some((ruleId) => ruleIds.includes(ruleId)))]
    }),
  )
  const guards = new Map([...rules].map(([tenantId, all]) => [tenantId, guardsAmong(all)]))
  return {
    outages: (tenantId) => mutingAccounts.get(tenantId) ?? [],
    guards: (tenantId) => guards.get(tenantId) ?? [],
    routing: { policies, reportUnreadable: ruleCatalog.reportUnreadable },
    of: ({ tenantId, accountId }) => ({
      accountId,
      rules: ofAccounts.get(tenantId) ?? [],
      silences: silences.get(tenantId) ?? [],
      outages: mutingAccounts.get(tenantId) ?? [],
      holdMs: longestHold(guards.get(tenantId) ?? []),
      policy: policies.get(tenantId) ?? null,
    }),
  }
}

const guardsAmong = (rules: readonly RuleInForce[]): readonly Guard[] =>
  rules.flatMap(({ rule }) => (rule.enabled && rule.about.kind === 'tenant' ? [{ ...rule, about: rule.about }] : []))
