import type { Sql } from '#libs/postgres/database.ts'
import { lockAccount, saveAccounts } from './account-store.ts'
import { findAlert } from './alert-queries.ts'
import { setAcknowledgedBy } from './alert-store.ts'
import { nextDue } from './core/decide-account.ts'
import { type Deed, decideByHand } from './core/decide-by-hand.ts'
import { recordTransitions } from './record-transitions.ts'
import type { RuleBook } from './rule-store.ts'

export type Act = {
  readonly tenantId: string
  readonly alertId: string
  readonly deed: Deed
  readonly actor: string
  readonly at: number
}

export type ActOutcome =
  | { readonly done: true }
  | { readonly done: false; readonly reason: 'no_such_alert' | 'not_open' }

/** A person's deed on an alert, in the caller's transaction, under the lock of the account. */
export const actOnAlert = async (tx: Sql, book: RuleBook, act: Act): Promise<ActOutcome> => {
  const { tenantId, alertId, deed, actor } = act
  const alert = await findAlert(tx, tenantId, alertId)
  if (!alert) return { done: false, reason: 'no_such_alert' }
  const account = await lockAccount(tx, { tenantId, accountId: alert.accountId })
  const kept = account?.states[alert.ruleId]
  const rules = (await book.rulesInForce(tx, [tenantId])).get(tenantId) ?? []
  const rule = rules.find((other) => other.rule.id === alert.ruleId)?.rule
  if (!account?.seen || !kept || !rule) return { done: false, reason: 'not_open' }
  const at = Math.max(act.at, account.seen.at)
  const decision = decideByHand(kept.state, alert.episode, deed, at)
  if (!decision.done) return decision
  const states = { ...account.states, [alert.ruleId]: { ...kept, state: decision.state } }
  await saveAccounts(tx, [{ ...account, states, nextCheckAt: nextDue(states) }])
  const { seen } = account
  await recordTransitions(
    tx,
    decision.transitions.map((one) => ({ ...one, rule, state: decision.state, account, seen, actor })),
  )
  if (deed.do === 'acknowledge' && decision.transitions.length > 0) await setAcknowledgedBy(tx, alertId, actor)
  return { done: true }
}
