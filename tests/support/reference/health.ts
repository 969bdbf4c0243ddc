import { createCalendar } from './calendar.ts'
import { isDeleted, paymentFailedDays, subscriptionsOf } from './contracts.ts'
import { factsOf, type ReferenceFacts } from './facts.ts'
import { championRemoved, measuresOfRelation, npsFreshness, ticketsOf } from './measures-of-relation.ts'
import { measuresOfOnboarding, measuresOfUse } from './measures-of-use.ts'
import { daysSince, firstEvent, inOrder, type Past, pastAt, type ReferenceEvent } from './past.ts'
import { type Measured, type ReferenceGroup, round4, weigh } from './points.ts'
import { FACTOR_WEIGHTS, type ReferenceModel, STAGE_WEIGHTS } from './reference-model.ts'
import { silentSince } from './silence.ts'
import { type Stage, spansOf, stageWeights } from './stages.ts'

export type ReferenceOptions = {
  readonly at: number
  readonly timeZone: string
  readonly model: ReferenceModel
  /** Last event or heartbeat of each source of the tenant. */
  readonly lastSeen?: ReadonlyMap<string, number>
}
export type ReferenceBand = 'healthy' | 'watch' | 'at_risk' | 'critical' | 'insufficient_data'
export type ReferenceCap = { readonly cap: string; readonly limit: number; readonly delta: number }
export type ReferenceHealth = {
  /** After caps. */
  readonly score: number | null
  readonly computedScore: number | null
  readonly confidence: number
  readonly band: ReferenceBand
  readonly stage: Stage
  readonly stageEnteredAt: number | null
  readonly groups: readonly ReferenceGroup[]
  readonly caps: readonly ReferenceCap[]
  readonly facts: ReferenceFacts
}

const HOUR_MS = 3_600_000

/**
 * Fades over the expected interval once the interval has passed; a source never seen fades nothing.
 */
const sourceFreshness = (group: string, { at, model, lastSeen }: ReferenceOptions): number =>
  model.sources
    .filter(({ source, groups }) => groups.includes(group) && lastSeen?.has(source))
    .map(({ source, expectedIntervalHours }) => {
      const overdue = at - lastSeen!.get(source)! - expectedIntervalHours * HOUR_MS
      return Math.max(0, Math.min(1, 1 - overdue / (expectedIntervalHours * HOUR_MS)))
    })
    .reduce((product, freshness) => product * freshness, 1)

const capsOf = (past: Past, stage: Stage): readonly { readonly cap: string; readonly limit: number }[] => {
  const subscriptions = subscriptionsOf(past)
  const noneLive = subscriptions.length > 0 && subscriptions.every(({ status }) => status !== 'live')
  const urgentForLong = ticketsOf(past).some(
    ({ urgent, openSince }) => urgent && openSince !== null && daysSince(past, openSince) > 7,
  )
  return [
    { cap: 'cancelled', limit: 20, holds: noneLive || isDeleted(past) },
    { cap: 'payment_failed', limit: 49, holds: (paymentFailedDays(past) ?? 0) > 14 },
    { cap: 'silent', limit: 49, holds: silentSince(past, stage) !== null },
    { cap: 'champion_removed', limit: 66, holds: championRemoved(past) },
    { cap: 'urgent_ticket_open', limit: 66, holds: urgentForLong },
  ].flatMap(({ cap, limit, holds }) => (holds ? [{ cap, limit }] : []))
}

/** All that hold; the first of the lowest bears what is taken. */
const withDeltas = (caps: ReturnType<typeof capsOf>, score: number): readonly ReferenceCap[] => {
  const bearer = [...caps].sort((a, b) => a.limit - b.limit)[0]
  return caps.map(({ cap, limit }) => ({
    cap,
    limit,
    delta: cap === bearer?.cap ? round4(Math.min(score, limit) - score) : 0,
  }))
}

export const plainBand = (score: number | null, confidence: number): ReferenceBand => {
  if (score === null || confidence < 0.4) return 'insufficient_data'
  if (score >= 75) return 'healthy'
  if (score >= 50) return 'watch'
  return score >= 25 ? 'at_risk' : 'critical'
}

/** The account as of `at`, from the whole set of its events, recomputed from nothing. */
export const referenceHealth = (events: readonly ReferenceEvent[], options: ReferenceOptions): ReferenceHealth => {
  const calendar = createCalendar(options.timeZone)
  const past = pastAt(inOrder(events), options.at, { calendar, model: options.model })
  const begun = firstEvent(past) !== null
  const spans = spansOf(past)
  const stage = spans.at(-1)?.stage ?? 'onboarding'
  const measures = begun ? { ...measuresOfOnboarding(past), ...measuresOfUse(past), ...measuresOfRelation(past) } : {}
  const measured = Object.keys(FACTOR_WEIGHTS).map((factor): [string, Measured] => {
    const ownFreshness = factor === 'sentiment.nps' ? npsFreshness(past) : 1
    const freshness = ownFreshness * sourceFreshness(factor.split('.')[0]!, options)
    return [factor, { measure: measures[factor] ?? null, freshness }]
  })
  const weights = begun ? stageWeights(past, spans) : STAGE_WEIGHTS.onboarding
  const weighing = weigh(Object.fromEntries(measured), weights)
  const caps = weighing.score === null ? [] : withDeltas(capsOf(past, stage), weighing.score)
  const taken = caps.reduce((sum, { delta }) => sum + delta, 0)
  const score = weighing.score === null ? null : round4(weighing.score + taken)
  const band = plainBand(score, weighing.confidence)
  const stageEnteredAt = spans.at(-1)?.from ?? null
  return {
    score,
    computedScore: score,
    confidence: weighing.confidence,
    band,
    stage,
    stageEnteredAt,
    groups: weighing.groups,
    caps,
    facts: factsOf(past, { stage, stageEnteredAt }),
  }
}
