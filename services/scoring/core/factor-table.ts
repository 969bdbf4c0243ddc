import { breadth } from './factors/adoption-breadth.ts'
import { depth } from './factors/adoption-depth.ts'
import { payment } from './factors/commercial-payment.ts'
import { plan } from './factors/commercial-plan.ts'
import { renewal } from './factors/commercial-renewal.ts'
import { firstValue } from './factors/onboarding-first-value.ts'
import { progress } from './factors/onboarding-progress.ts'
import { stall } from './factors/onboarding-stall.ts'
import { champion } from './factors/relationship-champion.ts'
import { touch } from './factors/relationship-touch.ts'
import { csat } from './factors/sentiment-csat.ts'
import { nps } from './factors/sentiment-nps.ts'
import { slaBreach } from './factors/support-sla-breach.ts'
import { ticketRate } from './factors/support-ticket-rate.ts'
import { urgentOpen } from './factors/support-urgent-open.ts'
import { activeDays } from './factors/usage-active-days.ts'
import { activeRatio } from './factors/usage-active-ratio.ts'
import { recency } from './factors/usage-recency.ts'
import { trend } from './factors/usage-trend.ts'
import type { FactorDefinition } from './view.ts'

/** Every factor that a model may name. A new one is a file in `factors/`, a row here and a row in the model. */
export const FACTORS: ReadonlyMap<string, FactorDefinition> = new Map(
  [
    activeRatio,
    activeDays,
    trend,
    recency,
    breadth,
    depth,
    progress,
    stall,
    firstValue,
    ticketRate,
    urgentOpen,
    slaBreach,
    nps,
    csat,
    payment,
    plan,
    renewal,
    touch,
    champion,
  ].map((factor) => [factor.name, factor]),
)
