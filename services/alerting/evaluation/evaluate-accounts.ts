import type { Tombstones } from '#libs/access/tombstones.ts'
import type { AccountHealth } from '#libs/contracts/account-health.ts'
import type { Sql } from '#libs/postgres/database.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import { ofAccount } from '../alerts/alert-subject.ts'
import type { DecidedTransition } from '../alerts/record-transitions.ts'
import type { Suspicion } from '../core/alert/outage.ts'
import type { AccountKey, SeenHealth } from '../core/alert/subject.ts'
import { decideOnFacts, decideOnTime, type EvaluationContext } from '../core/decision/decide-account.ts'
import type { Decision } from '../core/decision/decide-instants.ts'
import { type FactRow, packChanges, type SeenAt } from '../core/preview/fact-history.ts'
import { changeNotifications } from '../notifications/change-notifications.ts'
import type { Notification } from '../notifications/notification.ts'
import { insertFacts } from '../rules/fact-history-store.ts'
import type { RuleCatalog } from '../rules/rule-store.ts'
import {
  type AccountToSave,
  claimDueAccounts,
  deleteAccounts,
  forgetTraits,
  lockAccounts,
  type StoredAccount,
  saveAccounts,
} from './account-store.ts'
import { type ContextReader, readEvaluationContext } from './evaluation-context.ts'
import { countTenants } from './monitor-store.ts'
import { isTurn, type News, suspectOutage } from './outage-suspicion.ts'
import { recordAndNotify } from './record-and-notify.ts'

export type EvaluatedAccounts = { readonly accounts: number; readonly stale: number; readonly transitions: number }

/** A change with a known sequence is old news: a batch may come any number of times. */
export const evaluateChanges = async (
  tx: Sql,
  { ruleCatalog, tombstones }: { readonly ruleCatalog: RuleCatalog; readonly tombstones: Tombstones },
  messages: readonly AccountHealth[],
): Promise<EvaluatedAccounts> => {
  const byAccount = Map.groupBy(messages, (message) => JSON.stringify([message.tenantId, message.accountId]))
  const accounts = await lockAccounts(
    tx,
    [...byAccount.values()].map((group) => ({ tenantId: group[0]!.tenantId, accountId: group[0]!.accountId })),
    tombstones,
  )
  const context = await readEvaluationContext(
    tx,
    ruleCatalog,
    accounts,
    Math.min(...messages.map(({ at }) => Date.parse(at))),
  )
  const news = accounts.map((account): News => {
    const group = byAccount.get(JSON.stringify([account.tenantId, account.accountId])) ?? []
    return { account, messages: newsOf(account, group) }
  })
  const suspicions = await watchForOutages(tx, context, news)
  const saved: AccountToSave[] = []
  const decided: DecidedTransition[] = []
  const notifications: Notification[] = []
  const facts: (AccountKey & FactRow)[] = []
  const unseen: StoredAccount[] = []
  const cleared: (AccountKey & { readonly traits: object })[] = []
  let stale = messages.length
  for (const { account, messages: fresh } of news) {
    if (fresh.length === 0) {
      if (account.seen === null) unseen.push(account)
      continue
    }
    stale -= fresh.length
    const suspicion = suspicions.get(account.tenantId) ?? null
    const outcome = evaluateAccount(account, fresh, { ...context.of(account), suspicion })
    saved.push(outcome.account)
    decided.push(...outcome.decided)
    notifications.push(...outcome.notifications)
    facts.push(...outcome.facts)
    if (fresh.some(({ cause }) => cause === 'erasure')) cleared.push({ ...account, traits: fresh.at(-1)!.traits })
  }
  await deleteAccounts(tx, unseen)
  await saveAccounts(tx, saved)
  await insertFacts(tx, facts)
  await forgetTraits(tx, cleared)
  failpoint('alerting.evaluate.saved')
  await recordAndNotify(tx, { transitions: decided, changes: notifications, routing: context.routing })
  return { accounts: saved.length, stale, transitions: decided.length }
}

/** Evaluates accounts at which something fell due by `now`; answers how many. */
export const evaluateDueAccounts = async (
  tx: Sql,
  ruleCatalog: RuleCatalog,
  now: number,
  limit: number,
): Promise<number> => {
  const accounts = await claimDueAccounts(tx, now, limit)
  if (accounts.length === 0) return 0
  failpoint('alerting.timers.claimed')
  const context = await readEvaluationContext(tx, ruleCatalog, accounts, now)
  const decided: DecidedTransition[] = []
  const saved = accounts.map((account): AccountToSave => {
    const { seen } = account
    const decision = decideOnTime(account, Math.max(now, seen?.at ?? 0), context.of(account))
    if (seen) decided.push(...withAccount(decision, account, () => seen))
    return { ...account, states: decision.states, nextCheckAt: decision.nextCheckAt }
  })
  await saveAccounts(tx, saved)
  await recordAndNotify(tx, { transitions: decided, routing: context.routing })
  return accounts.length
}

/** Suspects outages where accounts became inactive or active, and has those tenants counted. */
const watchForOutages = async (
  tx: Sql,
  context: ContextReader,
  news: readonly News[],
): Promise<ReadonlyMap<string, Suspicion>> => {
  const suspicions = new Map<string, Suspicion>()
  const counted: string[] = []
  for (const [tenantId, turns] of Map.groupBy(news.filter(isTurn), ({ account }) => account.tenantId)) {
    // An outage of all accounts mutes them; nothing is left to suspect.
    const isKnown = context.outages(tenantId).some(({ quietSince }) => quietSince === null)
    const suspicion = isKnown ? null : await suspectOutage(tx, tenantId, context.guards(tenantId), turns)
    if (suspicion) suspicions.set(tenantId, suspicion)
    if (suspicion || context.outages(tenantId).length > 0) counted.push(tenantId)
  }
  await countTenants(tx, counted, Math.max(...news.flatMap(({ messages }) => messages.map(({ at }) => Date.parse(at)))))
  return suspicions
}

/** Changes that the account does not know yet, in order, each once. */
const newsOf = (account: StoredAccount, group: readonly AccountHealth[]): readonly AccountHealth[] => {
  let last = account.sequence
  return [...group]
    .sort((a, b) => a.sequence - b.sequence)
    .filter((message) => {
      if (message.sequence <= last) return false
      last = message.sequence
      return true
    })
}

const evaluateAccount = (account: StoredAccount, news: readonly AccountHealth[], context: EvaluationContext) => {
  let { states, seen } = account
  let nextCheckAt: number | null = null
  const decided: DecidedTransition[] = []
  const notifications: Notification[] = []
  const changes: SeenAt[] = []
  for (const message of news) {
    const before = seen
    // Different clocks may stamp the changes of one account: its time never runs back.
    const at = Math.max(Date.parse(message.at), before?.at ?? 0)
    const after = seeing(message, at)
    const decision = decideOnFacts({ seen: before, states }, after, at, context)
    decided.push(...withAccount(decision, account, (when) => (when < at && before ? before : after)))
    notifications.push(...changeNotifications(message, after))
    states = decision.states
    nextCheckAt = decision.nextCheckAt
    seen = after
    changes.push({ at, seen: after })
  }
  const { tenantId, accountId } = account
  const before = account.seen && { at: account.seen.at, seen: account.seen }
  const facts = packChanges(before, changes).map((row) => ({ tenantId, accountId, ...row }))
  return {
    account: { ...account, sequence: news.at(-1)!.sequence, states, seen, nextCheckAt },
    decided,
    notifications,
    facts,
  }
}

const seeing = (message: AccountHealth, at: number): SeenHealth => ({
  at,
  facts: { ...message.facts, sequence: message.sequence },
  traits: message.traits,
  backfill: message.backfill,
  silenceCapMoved: message.explanation.some(({ factor, delta }) => factor === 'cap.silent' && delta !== 0),
  health: message.health,
  explanation: message.explanation,
})

const withAccount = (
  decision: Decision,
  account: AccountKey,
  seenAt: (at: number) => SeenHealth,
): DecidedTransition[] => decision.transitions.map((one) => ({ ...one, ...ofAccount(account, seenAt(one.at)) }))
