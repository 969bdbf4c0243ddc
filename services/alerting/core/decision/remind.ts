import { decideNotification } from '../alert/decide-notification.ts'
import { type AlertStep, checkAt } from './alert-step.ts'
import { notifyAgain } from './notify.ts'
import { isMutedForNow } from './notify-after-mute.ts'

/** An unacknowledged alert is notified again at each reminder. Quiet hours postpone reminders. */
export const remind: AlertStep = (decision, context) => {
  const { rule, muteContext, at } = context
  const { remindedAt, firedAt } = decision.state
  if (rule.reminderMs === null || isMutedForNow(decision.state)) return decision
  const dueAt = (remindedAt ?? firedAt ?? at) + rule.reminderMs
  if (at < dueAt) return checkAt(decision, dueAt)
  const notification = decideNotification(rule, decision.state, muteContext, at)
  if (!notification.told && notification.why === 'quiet_hours' && notification.until !== null)
    return checkAt(decision, notification.until)
  return checkAt(notifyAgain(decision, context, 'still_firing'), at + rule.reminderMs)
}
