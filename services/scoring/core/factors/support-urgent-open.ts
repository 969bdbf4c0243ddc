import type { AccountView } from '../journey/account-view.ts'
import { factor, NEVER } from './factor.ts'
import { hasSupport } from './support-ticket-rate.ts'

/** Open tickets of an urgent priority. Data after a support event. */
export const urgentOpen = factor({
  needs: ['curve'],
  value: (view) => (hasSupport(view) ? urgentTickets(view) : null),
  changesIn: () => NEVER,
})

export const urgentTickets = ({ state }: AccountView): number =>
  state.urgentOpen.counts.reduce((sum, count) => sum + count, 0)

/** Day since which the longest open urgent ticket has been open; null without one. */
export const urgentSinceDay = ({ state }: AccountView): number | null => state.urgentOpen.days[0] ?? null
