import { breadth } from './adoption-breadth.ts'
import { depth } from './adoption-depth.ts'
import { payment } from './commercial-payment.ts'
import { plan } from './commercial-plan.ts'
import { renewal } from './commercial-renewal.ts'
import type { FactorDefinition } from './factor-input.ts'
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
