import type { Sql } from '#libs/postgres/database.ts'
import { findAlert } from '../alerts/alert-queries.ts'
import { setAcknowledgedBy } from '../alerts/alert-store.ts'
import { ofAccount, ofSubject, type Testimony } from '../alerts/alert-subject.ts'
import { recordTransitions } from '../alerts/record-transitions.ts'
import { nextDue, type RuleStates } from '../core/alert/decide-account.ts'
import { type Deed, decideByHand } from '../core/alert/operator-action.ts'
import type { RuleBook } from '../rules/rule-store.ts'
import { lockAccount, saveAccounts } from './account-store.ts'
import { lockSubjects, saveSubjects } from './monitor-store.ts'

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

/** A person's deed on an alert, in the caller's transaction, under the lock of what the alert is about. */
export const actOnAlert = async (tx: Sql, book: RuleBook, act: Act): Promise<ActOutcome> => {
  const { tenantId, alertId, deed, actor } = act
  const alert = await findAlert(tx, tenantId, alertId)
  if (!alert) return { done: false, reason: 'no_such_alert' }
  const { accountId, source, evidence } = alert
  const bearer =
    accountId === null
      ? await lockedSubject(tx, { tenantId, source, evidence })
      : await lockedAccount(tx, { tenantId, accountId })
  const kept = bearer?.states[alert.ruleId]
  const rules = (await book.rulesInForce(tx, [tenantId])).get(tenantId) ?? []
  const rule = rules.find((other) => other.rule.id === alert.ruleId)?.rule
  if (!bearer || !kept || !rule) return { done: false, reason: 'not_open' }
  const at = Math.max(act.at, bearer.seenAt)
  const decision = decideByHand(kept.state, alert.episode, deed, at)
  if (!decision.done) return decision
  await bearer.save({ ...bearer.states, [alert.ruleId]: { ...kept, state: decision.state } }, at)
  await recordTransitions(
    tx,
    decision.transitions.map((one) => ({ ...one, rule, state: decision.state, ...bearer.testimony, actor })),
  )
  if (deed.do === 'acknowledge' && decision.transitions.length > 0) await setAcknowledgedBy(tx, alertId, actor)
  return { done: true }
}

/** Where the states of an alert's rule are kept. */
type Bearer = {
  readonly states: RuleStates
  readonly seenAt: number
  readonly testimony: Testimony
  readonly save: (states: RuleStates, at: number) => Promise<void>
}

const lockedAccount = async (
  tx: Sql,
  key: { readonly tenantId: string; readonly accountId: string },
): Promise<Bearer | undefined> => {
  const account = await lockAccount(tx, key)
  if (!account?.seen) return undefined
  return {
    states: account.states,
    seenAt: account.seen.at,
    testimony: ofAccount(account, account.seen),
    save: (states) => saveAccounts(tx, [{ ...account, states, nextCheckAt: nextDue(states) }]),
  }
}

type SubjectOfAlert = {
  readonly tenantId: string
  readonly source: string | null
  readonly evidence: Record<string, unknown>
}

/** It is looked at again at once: whether it mutes others may have changed. */
const lockedSubject = async (tx: Sql, { tenantId, source, evidence }: SubjectOfAlert): Promise<Bearer | undefined> => {
  const kind = source === null ? 'tenant' : 'source'
  const [subject] = await lockSubjects(tx, [{ tenantId, kind, name: source ?? '' }])
  return (
    subject && {
      states: subject.states,
      seenAt: subject.seen?.at ?? 0,
      testimony: ofSubject({ tenantId, accountId: null, source }, evidence),
      save: (states, at) => saveSubjects(tx, [{ ...subject, states, nextCheckAt: at }]),
    }
  )
}
