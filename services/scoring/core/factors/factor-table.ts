import type { FactorName } from '#libs/contracts/health-model.ts'
import { breadth } from './adoption-breadth.ts'
import { depth } from './adoption-depth.ts'
import { payment } from './commercial-payment.ts'
import { plan } from './commercial-plan.ts'
import { renewal } from './commercial-renewal.ts'
import type { Factor } from './factor.ts'
import { firstValue } from './onboarding-first-value.ts'
import { progress } from './onboarding-progress.ts'
import { stall } from './onboarding-stall.ts'
import { champion } from './relationship-champion.ts'
import { touch } from './relationship-touch.ts'
import { csat } from './sentiment-csat.ts'
import { nps } from './sentiment-nps.ts'
import { slaBreach } from './support-sla-breach.ts'
import { ticketRate } from './support-ticket-rate.ts'
import { urgentOpen } from './support-urgent-open.ts'
import { activeDays } from './usage-active-days.ts'
import { activeRatio } from './usage-active-ratio.ts'
import { recency } from './usage-recency.ts'
import { trend } from './usage-trend.ts'

/** Every factor that a model may name; CONTRIBUTING.md says how to add one. */
export const FACTORS: Readonly<Record<FactorName, Factor>> = {
  'usage.active_ratio': activeRatio,
  'usage.active_days': activeDays,
  'usage.trend': trend,
  'usage.recency': recency,
  'adoption.breadth': breadth,
  'adoption.depth': depth,
  'onboarding.progress': progress,
  'onboarding.stall': stall,
  'onboarding.first_value': firstValue,
  'support.ticket_rate': ticketRate,
  'support.urgent_open': urgentOpen,
  'support.sla_breach': slaBreach,
  'sentiment.nps': nps,
  'sentiment.csat': csat,
  'commercial.payment': payment,
  'commercial.plan': plan,
  'commercial.renewal': renewal,
  'relationship.touch': touch,
  'relationship.champion': champion,
}
