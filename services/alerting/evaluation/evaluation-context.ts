import type { AccountHealth } from '#libs/contracts/account-health.ts'
import type { Sql } from '#libs/postgres/database.ts'
import { type EvaluationContext, nextDue, type RuleInForce } from '../core/alert/decide-account.ts'
import { isMany } from '../core/alert/decide-monitor.ts'
import type { NotificationPolicy } from '../core/alert/notification-policy.ts'
import { type Outage, quietOf, type Suspicion } from '../core/alert/outage.ts'
import type { About, Rule } from '../core/alert/rule.ts'
import type { AccountKey } from '../core/alert/subject.ts'
import { policiesOf } from '../policy/policy-store.ts'
import { silencesOf } from '../policy/silence-store.ts'
import type { RuleCatalog } from '../rules/rule-store.ts'
import type { StoredAccount } from './account-store.ts'
import { countActive, countNear, outagesOf } from './monitor-store.ts'

/** What accounts are judged by, besides what was seen of them. */
export type ContextReader = {
  readonly of: (account: AccountKey) => EvaluationContext
  readonly outages: (tenantId: string) => readonly Outage[]
  readonly guards: (tenantId: string) => readonly Guard[]
  /** By tenant. */
  readonly policies: ReadonlyMap<string, NotificationPolicy>
}

/** A rule that watches how many accounts are silent together. */
export type Guard = Rule & { readonly about: Extract<About, { kind: 'tenant' }> }

/** For all that is decided: also for what fell due before `at` and that no timer has judged yet. */
export const readEvaluationContext = async (
  tx: Sql,
  ruleCatalog: RuleCatalog,
  accounts: readonly StoredAccount[],
  at: number,
): Promise<ContextReader> => {
  const tenantIds = [...new Set(accounts.map((account) => account.tenantId))]
  const rules = await ruleCatalog.rulesInForce(tx, tenantIds)
  const since = accounts.reduce((first, { states }) => Math.min(first, nextDue(states) ?? first), at)
  const silences = await silencesOf(tx, tenantIds, since)
  const outages = await outagesOf(tx, tenantIds)
  const policies = await policiesOf(tx, tenantIds)
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
    policies,
    of: ({ tenantId, accountId }) => ({
      accountId,
      rules: ofAccounts.get(tenantId) ?? [],
      silences: silences.get(tenantId) ?? [],
      outages: mutingAccounts.get(tenantId) ?? [],
      holdMs: holdOf(guards.get(tenantId) ?? []),
      policy: policies.get(tenantId) ?? null,
    }),
  }
}

const guardsAmong = (rules: readonly RuleInForce[]): readonly Guard[] =>
  rules.flatMap(({ rule }) => (rule.enabled && rule.about.kind === 'tenant' ? [{ ...rule, about: rule.about }] : []))

const holdOf = (guards: readonly Guard[]): number => Math.max(0, ...guards.map(({ about }) => about.holdMs))

/** An account with the changes that are news of it. */
export type News = { readonly account: StoredAccount; readonly messages: readonly AccountHealth[] }

const isSilent = ({ facts }: Pick<AccountHealth, 'facts'>): boolean => facts.silentSince !== null
const fell = ({ account, messages }: News): boolean =>
  messages.some((message) => isSilent(message) && !message.backfill) && !(account.seen && isSilent(account.seen))

/** Whether an account fell silent, or was heard again. */
export const isTurn = (news: News): boolean =>
  fell(news) || (news.account.seen !== null && isSilent(news.account.seen) && !news.messages.every(isSilent))

/**
 * Whether accounts of a tenant that fall silent now may be the first of many: so many are silent already, fall silent in the same batch, or are by the days
 * they were not seen near enough to follow while their alerts wait. Most that are near will be seen again, so this never makes an outage of its own.
 */
export const suspicionOf = async (
  tx: Sql,
  tenantId: string,
  guards: readonly Guard[],
  all: readonly News[],
): Promise<Suspicion | null> => {
  const fallen = all.filter(fell)
  if (fallen.length === 0) return null
  const at = Math.max(...fallen.flatMap(({ messages }) => messages.map((message) => Date.parse(message.at))))
  const suspecting: Guard[] = []
  for (const guard of guards) if (await mayBeMany(tx, { tenantId, guard, fallen, at })) suspecting.push(guard)
  return suspecting.length === 0
    ? null
    : { mutes: suspecting.flatMap(({ mutes }) => mutes), holdMs: holdOf(suspecting) }
}

type Question = {
  readonly tenantId: string
  readonly guard: Guard
  readonly fallen: readonly News[]
  readonly at: number
}

const mayBeMany = async (tx: Sql, { tenantId, guard, fallen, at }: Question): Promise<boolean> => {
  const { withinMs, holdMs, atLeast, share } = guard.about
  const [since, soon] = [at - withinMs, at + holdMs]
  // What was stored of those that fall now is counted by the database.
  const known = fallen.map(({ account: { seen } }) => (seen ? quietOf(seen.facts, seen.at).quietAt : null))
  const isNear = (quietAt: number | null): boolean => quietAt !== null && quietAt <= soon
  const near = (await countNear(tx, tenantId, { since, soon })) + fallen.length - known.filter(isNear).length
  if (near < atLeast) return false
  // As soon as there are more active ones than that, the share is not reached.
  const most = Math.floor(near / share) + 1
  const unknown = known.filter((quietAt) => quietAt === null).length
  return isMany({ quiet: near, active: (await countActive(tx, tenantId, since, most)) + unknown }, guard.about)
}
