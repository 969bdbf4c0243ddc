import type { Sql } from '#libs/postgres/database.ts'
import { findAlert } from '../alerts/alert-queries.ts'
import { setAcknowledgedBy } from '../alerts/alert-store.ts'
import { ofAccount, type SubjectSnapshot } from '../alerts/alert-subject.ts'
import { decideOperatorAction, type OperatorAction } from '../core/alert/operator-action.ts'
import { nextDue, type RuleStates } from '../core/alert/rule-states.ts'
import { policiesOf } from '../policy/policy-store.ts'
import type { RuleCatalog } from '../rules/rule-store.ts'
import { lockAccount, saveAccounts } from './account-store.ts'
import { lockMonitors, saveMonitors } from './monitor-store.ts'
import { recordAndNotify } from './record-and-notify.ts'

export type OperatorRequest = {
  readonly tenantId: string
  readonly alertId: string
  readonly action: OperatorAction
  readonly actor: string
  readonly at: number
}

export type OperatorOutcome =
  | { readonly done: true }
  | { readonly done: false; readonly reason: 'no_such_alert' | 'not_open' }

/** Applies a person's action to an alert in the caller's transaction; locks the subject. */
export const applyOperatorAction = async (
  tx: Sql,
  ruleCatalog: RuleCatalog,
  act: OperatorRequest,
): Promise<OperatorOutcome> => {
  const { tenantId, alertId, action, actor } = act
  const { reportUnreadable } = ruleCatalog
  const alert = await findAlert(tx, tenantId, alertId)
  if (!alert) return { done: false, reason: 'no_such_alert' }
  const { accountId, source, evidence } = alert
  const holder =
    accountId === null
      ? await lockedMonitor(tx, { tenantId, source, evidence })
      : await lockedAccount(tx, { tenantId, accountId })
  const kept = holder?.states[alert.ruleId]
  const rules = (await ruleCatalog.rulesInForce(tx, [tenantId])).get(tenantId) ?? []
  const rule = rules.find((other) => other.rule.id === alert.ruleId)?.rule
  if (!holder || !kept || !rule) return { done: false, reason: 'not_open' }
  const at = Math.max(act.at, holder.seenAt)
  const decision = decideOperatorAction(kept.state, alert.episode, action, at)
  if (!decision.done) return decision
  await holder.save({ ...holder.states, [alert.ruleId]: { ...kept, state: decision.state } }, at)
  await recordAndNotify(tx, {
    transitions: decision.transitions.map((one) => ({
      ...one,
      rule,
      state: decision.state,
      ...holder.snapshot,
      actor,
    })),
    routing: { policies: await policiesOf(tx, [tenantId], reportUnreadable), reportUnreadable },
  })
  if (action.do === 'acknowledge' && decision.transitions.length > 0) await setAcknowledgedBy(tx, alertId, actor)
  return { done: true }
}

/** Holds the states of an alert's rule: an account or a monitor. */
type AlertStateHolder = {
  readonly states: RuleStates
  readonly seenAt: number
  readonly snapshot: SubjectSnapshot
  readonly save: (states: RuleStates, at: number) => Promise<void>
}

const lockedAccount = async (
  tx: Sql,
  key: { readonly tenantId: string; readonly accountId: string },
): Promise<AlertStateHolder | undefined> => {
  const account = await lockAccount(tx, key)
  if (!account?.seen) return undefined
  return {
    states: account.states,
    seenAt: account.seen.at,
    snapshot: ofAccount(account, account.seen),
    save: (states) => saveAccounts(tx, [{ ...account, states, nextCheckAt: nextDue(states) }]),
  }
}

type AlertedMonitor = {
  readonly tenantId: string
  readonly source: string | null
  readonly evidence: Record<string, unknown>
}

/** The monitor is evaluated again at once, as the action may end what the monitor mutes. */
const lockedMonitor = async (
  tx: Sql,
  { tenantId, source, evidence }: AlertedMonitor,
): Promise<AlertStateHolder | undefined> => {
  const kind = source === null ? 'tenant' : 'source'
  const [subject] = await lockMonitors(tx, [{ tenantId, kind, name: source ?? '' }])
  return (
    subject && {
      states: subject.states,
      seenAt: subject.seen?.at ?? 0,
      snapshot: { subject: { tenantId, accountId: null, source }, seen: null, evidence },
      save: (states, at) => saveMonitors(tx, [{ ...subject, states, nextCheckAt: at }]),
    }
  )
}
