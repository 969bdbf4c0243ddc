import { HOUR_MS } from '#libs/runtime/durations.ts'
import { NEVER } from '../factors/factor.ts'
import { FACTORS } from '../factors/factor-table.ts'
import { factorChangesIn } from '../factors/score-factor.ts'
import type { AccountView } from '../journey/account-view.ts'
import { capsChangeIn } from './caps.ts'
import type { CoreFacts, Override } from './evaluation.ts'
import { factsChangeIn } from './facts.ts'
import type { Measured } from './measurements.ts'
import { groupWeight, type Standing } from './stage-weights.ts'

export type NextEvaluationContext = {
  readonly view: AccountView
  readonly standing: Standing
  readonly facts: CoreFacts
  readonly measured: Measured
  readonly inactiveFrom: number | null
  readonly sourcesNextAt: number
  readonly override: Override | null
  readonly healthySince: number | null
}

/**
 * The earliest later instant at which time alone can change score, stage or a fact. Facts that only
 * count days bring an evaluation each local midnight for `counterDays` days: a rule on any value
 * fires on its day. After that, like `daysInStage`, they are published with the next change.
 */
export const nextEvaluationAt = (context: NextEvaluationContext): number | null => {
  const { view } = context
  const { at, day, zone } = view
  const inDays = daysUntilChange(context)
  let evaluateAt = instantOfChange(context)
  if (inDays !== NEVER) {
    const midnight = zone.startOfDay(day + Math.max(1, inDays))
    // A clock set back across midnight repeats a day: its end is then looked for hour by hour.
    evaluateAt = Math.min(evaluateAt, midnight > at ? midnight : at + HOUR_MS)
  }
  return evaluateAt === NEVER ? null : evaluateAt
}

const instantOfChange = (context: NextEvaluationContext): number => {
  const { view, inactiveFrom, sourcesNextAt, override, healthySince } = context
  const { at, state, timeline } = view
  let next = sourcesNextAt
  const consider = (instant: number | null | undefined): void => {
    if (instant !== null && instant !== undefined && instant > at && instant < next) next = instant
  }
  consider(inactiveFrom)
  consider(override?.expiresAt)
  consider(state.pending[0]?.occurredAt)
  for (const span of timeline.spans) consider(span.at)
  for (const run of timeline.runs) consider(run.endAt)
  if (healthySince !== null && Math.max(state.promoterDay, state.advocacyDay) >= 0)
    consider(advocateFrom(view, healthySince))
  return next
}

/** When the account will have been healthy long enough, by local days. */
const advocateFrom = ({ zone, model }: AccountView, healthySince: number): number =>
  zone.startOfDay(zone.dayOf(healthySince) + model.model.facts.advocateHealthyDays)

/** Stops at 1, the soonest. */
const daysUntilChange = (context: NextEvaluationContext): number => {
  const { view, standing, facts } = context
  if (standing.share < 1 && standing.from !== standing.to) return 1
  const days = Math.min(factsChangeIn(facts, view), capsChangeIn(view))
  return days === 1 ? 1 : Math.min(days, factorsChangeInDays(context))
}

/** Factors without weight change nothing. */
const factorsChangeInDays = ({ view, standing, measured }: NextEvaluationContext): number => {
  let days = NEVER
  let index = 0
  for (const group of view.model.model.groups) {
    const weighs = groupWeight(group, standing) > 0
    for (const row of group.factors) {
      const found = measured.factors[index++]!
      if (weighs) days = Math.min(days, factorChangesIn(FACTORS[row.name], view, row, found))
    }
  }
  return days
}
