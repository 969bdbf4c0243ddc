import { decideNotification } from '../alert/decide-notification.ts'
import type { TransitionKind } from '../alert/rule.ts'
import { type AlertDecision, change, checkAt, record, type StepContext } from './alert-step.ts'

/** Records a transition and notifies of it, unless something mutes it. */
export const notify = (
  decision: AlertDecision,
  { rule, muteContext, at }: StepContext,
  { kind, reason }: { readonly kind: TransitionKind; readonly reason: string },
): AlertDecision => {
  const { told, toldAt, muted } = decision.state
  const notification = decideNotification(rule, decision.state, muteContext, at)
  const recorded = record(decision, at, { kind, reason, notification })
  if (notification.told) return change(recorded, { told: true, toldAt: told ? toldAt : at, muted: null })
  const kept = change(recorded, { muted: told ? muted : notification.why })
  return notification.until === null ? kept : checkAt(kept, notification.until)
}

export const notifyAgain = (decision: AlertDecision, context: StepContext, reason: string): AlertDecision =>
  notify(change(decision, { remindedAt: context.at }), context, { kind: 'reminder', reason })
