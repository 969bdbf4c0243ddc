import { decideNotification } from '../alert/decide-notification.ts'
import { isWaiting } from '../alert/outage.ts'
import { PASSING_MUTES, type RuleState } from '../alert/rule.ts'
import { type AlertStep, checkAt } from './alert-step.ts'
import { notifyAgain } from './notify.ts'

/** Nobody was notified yet, and the reason passes. */
export const isMutedForNow = ({ told, muted }: RuleState): boolean =>
  !told && muted !== null && PASSING_MUTES.includes(muted)

/** Notifies when a mute ends. A waiting alert records each new reason to wait. */
export const notifyAfterMute: AlertStep = (decision, context) => {
  const { state } = decision
  if (!isMutedForNow(state)) return decision
  const notification = decideNotification(context.rule, state, context.muteContext, context.at)
  if (notification.told || (isWaiting(state) && notification.why !== state.muted))
    return notifyAgain(decision, context, `${state.muted}_over`)
  return notification.until === null ? decision : checkAt(decision, notification.until)
}
