import type { CountedEvent } from '../../../services/scoring/core/events/event.ts'
import { loadDefaultModel } from '../../../services/scoring/models/model-document.ts'
import { event, settled, testModel } from './account-history.ts'

/**
 * The specification's example. Its raw values cannot all come from one history under the shipped
 * model (2 tickets per 10 users, yet none in the window of SLA breaches; a trend of 0.72), so its
 * model counts breaches over a week and starts the trend at 4.
 */
export const goldenModel = testModel({
  coreFeatures: Array.from({ length: 10 }, (_, index) => `feature-${index}`),
  groups: loadDefaultModel().groups.map((group) => ({
    ...group,
    factors: group.factors.map((factor) => {
      if (factor.name === 'support.sla_breach') return { ...factor, windowDays: 7 }
      return factor.name === 'usage.trend' ? { ...factor, settings: { ...factor.settings, offset: 4 } } : factor
    }),
  })),
})

const ACTIVE_DAYS_AGO = [1, 2, 3, 4, 5, 6, 7, 14, 15, 16, 17, 18, 19, 20, 21]
const user = (index: number): string => `user-${index}`
const use = (index: number, daysAgo: number): CountedEvent =>
  event('Feature Used', daysAgo, { feature: `feature-${index % 5}` }, user(index))

export const goldenEvents = (): readonly CountedEvent[] => [
  ...settled(),
  event('group', 200, { seats: 200 }),
  event('Subscription Started', 200, { renewalDate: '2027-08-01', autoRenew: true, termMonths: 12 }),
  // 7 core events in the last 14 days, 21 in the 28 days before; 27 of 90 users with one in the
  // last 28 days.
  ...Array.from({ length: 7 }, (_, index) => use(index, 1 + index)),
  ...Array.from({ length: 20 }, (_, index) => use(7 + index, 14 + (index % 8))),
  use(0, 35),
  ...Array.from({ length: 63 }, (_, index) => event('Signed In', ACTIVE_DAYS_AGO[index % 15]!, {}, user(27 + index))),
  ...Array.from({ length: 18 }, (_, index) =>
    event('Support Ticket Opened', 10, { ticketId: `t-${index}`, priority: 'low' }),
  ),
  event('NPS Responded', 20, { score: 7 }, user(1)),
  event('NPS Responded', 20, { score: 8 }, user(2)),
]
