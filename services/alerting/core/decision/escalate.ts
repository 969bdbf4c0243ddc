import { decideNotification, type MuteContext } from '../alert/decide-notification.ts'
import type { Rule, RuleState } from '../alert/rule.ts'
import { type AlertStep, change, checkAt, record } from './alert-step.ts'

export const escalate: AlertStep = (decision, { rule, muteContext, at }) => {
  const escalation = decideEscalation(rule, decision.state, muteContext, at)
  if (!escalation.due) return escalation.lookAt === null ? decision : checkAt(decision, escalation.lookAt)
  return record(change(decision, { escalatedAt: at }), at, {
    kind: 'escalated',
    reason: 'unacknowledged',
    notification: { told: true },
  })
}

/** Now, or not before `lookAt` (null: only when something changes). */
export type EscalationDecision = { readonly due: true } | { readonly due: false; readonly lookAt: number | null }

/** A notified alert that nobody acknowledges escalates once. A mute postpones the escalation. */
export const decideEscalation = (
  rule: Rule,
  state: RuleState,
  muteContext: MuteContext,
  at: number,
): EscalationDecision => {
  const escalation = muteContext.operations?.escalation ?? null
  const isOpen = state.phase === 'firing' && !state.closed && state.told && state.acknowledgedAt === null
  const isWanted = rule.tells === 'alert' && !rule.momentary
  if (!escalation?.severities.includes(rule.severity) || !isOpen || !isWanted) return { due: false, lookAt: null }
  if (state.escalatedAt !== null || state.toldAt === null) return { due: false, lookAt: null }
  const dueAt = state.toldAt + escalation.afterMs
  if (at < dueAt) return { due: false, lookAt: dueAt }
  const notifying = decideNotification(rule, state, muteContext, at)
  return notifying.told ? { due: true } : { due: false, lookAt: notifying.until }
}
