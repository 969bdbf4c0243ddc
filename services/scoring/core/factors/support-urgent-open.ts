import { pointsAt } from '../curve.ts'
import { ticketsOf } from '../ticket-summary.ts'
import { type FactorDefinition, found, noData, type View } from '../view.ts'
import { hasSupport } from './support-ticket-rate.ts'

/** Open tickets whose latest priority is one of the model's urgent ones. Data once there was any support event. */
export const urgentOpen: FactorDefinition = {
  name: 'support.urgent_open',
  group: 'support',
  needs: ['curve'],
  measure: (view, { curve }) => {
    if (!hasSupport(view)) return noData()
    const value = urgentTickets(view)
    return found(value, pointsAt(curve!, value), Number.POSITIVE_INFINITY)
  },
}

export const urgentTickets = ({ state, model }: View): number => {
  let urgent = 0
  for (const { priority } of ticketsOf(state).open) {
    if (priority !== null && model.urgentPriorities.has(priority)) urgent += 1
  }
  return urgent
}

/** Day since which the urgent ticket that is open longest has been; null without one. */
export const urgentSinceDay = ({ state, model }: View): number | null => {
  let since: number | null = null
  for (const { priority, openingDay } of ticketsOf(state).open) {
    if (priority === null || !model.urgentPriorities.has(priority)) continue
    if (since === null || openingDay < since) since = openingDay
  }
  return since
}
