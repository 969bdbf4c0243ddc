import { type AlertStep, change, checkAt } from './alert-step.ts'
import { notifyAgain } from './notify.ts'

/** Notifies again when a snooze ends, unless the alert fired at that instant. */
export const notifyAfterSnooze: AlertStep = (decision, context) => {
  const { snoozedUntil } = decision.state
  if (snoozedUntil === null) return decision
  if (context.at < snoozedUntil) return checkAt(decision, snoozedUntil)
  const ended = change(decision, { snoozedUntil: null })
  return context.move.to === 'firing' ? ended : notifyAgain(ended, context, 'snooze_over')
}
