import type { AccountView } from '../journey/account-view.ts'
import { type FactorDefinition, found, noData } from './factor-input.ts'
import { pointsAt } from './score-factor.ts'
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

export const urgentTickets = ({ state }: AccountView): number =>
  state.urgentOpen.counts.reduce((sum, count) => sum + count, 0)

/** Day since which the urgent ticket that is open longest has been; null without one. */
export const urgentSinceDay = ({ state }: AccountView): number | null => state.urgentOpen.days[0] ?? null
