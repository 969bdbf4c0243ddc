import type { AccountHealth, Band, Facts } from '#libs/contracts/account-health.ts'
import { accountChange } from '../../support/scoring/account-changes.ts'
import { createRandom } from '../story.ts'

/** Everything happens on whole ticks, so that a naive reference can look at each of them. */
export const TICK_MS = 6 * 3_600_000
export const TICKS_PER_DAY = 4
/** Midnight, so that days begin on a tick. */
export const START_MS = Date.parse('2027-01-01T00:00:00.000Z')
export const atTick = (tick: number): number => START_MS + tick * TICK_MS

/** What was published of an account at a tick: it stands until the next. */
export type Sighting = {
  readonly tick: number
  readonly facts: Facts
  readonly backfill: boolean
  readonly plan: string
}

const RANKS: readonly Band[] = ['critical', 'at_risk', 'watch', 'healthy']
const plainBand = (score: number): Band =>
  score >= 75 ? 'healthy' : score >= 50 ? 'watch' : score >= 25 ? 'at_risk' : 'critical'

/** Bands with their margin: upwards only 8 points above the line, out of healthy only below 67. */
const bandAfter = (before: Band | undefined, score: number): Band => {
  const plain = plainBand(score)
  if (before === undefined) return plain
  if (before === 'healthy') return score >= 67 ? 'healthy' : plain
  if (RANKS.indexOf(plain) <= RANKS.indexOf(before)) return plain
  if (before === 'critical' && score < 33) return 'critical'
  return before !== 'watch' && score < 58 ? 'at_risk' : plain
}

/**
 * A year (or less) in the life of one account, from a seed: it drifts, falls silent, pays late,
 * loses its champion, and comes back.
 */
export const narrateLife = (index: number, days: number, seed: number): readonly Sighting[] => {
  const random = createRandom(seed * 100_003 + index)
  const chance = (share: number): boolean => random() < share
  const between = (from: number, to: number): number => from + Math.floor(random() * (to - from))
  const plan = ['free', 'team', 'enterprise'][index % 3]!
  const onboardingUntil = chance(0.3) ? between(40, 200) : 0
  const hasSeats = chance(0.8)
  let renewsOn = between(30, 365)
  let score = between(30, 90)
  let drift = 0
  let band: Band | undefined
  let silentSince: string | null = null
  let failedOn: number | null = null
  let detractorOn: number | null = null
  let stepOn = 0
  let championRemoved = false
  let cancelScheduled = false
  let churned = false
  let mrr = 100_000
  let mrrOn = 0
  let seatUse = 0.5 + random() * 0.3
  const sightings: Sighting[] = []
  const longest = 30 * TICKS_PER_DAY
  for (
    let tick = between(1, 40);
    tick <= days * TICKS_PER_DAY;
    tick += Math.min(longest, 2 + Math.floor(-Math.log(1 - random()) * 28))
  ) {
    const day = Math.floor(tick / TICKS_PER_DAY)
    if (chance(0.3)) drift = between(-10, 11)
    score = Math.round(Math.min(97, Math.max(4, score + drift + random() * 8 - 4)) * 10) / 10
    band = bandAfter(band, score)
    if (silentSince === null ? chance(0.04) : chance(0.5))
      silentSince = silentSince === null ? new Date(atTick(tick) - 3_600_000).toISOString() : null
    if (failedOn === null ? chance(0.04) : chance(0.4)) failedOn = failedOn === null ? day : null
    if (detractorOn === null ? chance(0.02) : day - detractorOn > 90) detractorOn = detractorOn === null ? day : null
    if (championRemoved ? chance(0.3) : chance(0.015)) championRemoved = !championRemoved
    if (cancelScheduled ? chance(0.4) : chance(0.01)) cancelScheduled = !cancelScheduled
    churned = churned ? !chance(0.2) : cancelScheduled && chance(0.3)
    const unknown = chance(0.04)
    // Seldom, and never unread: what a rule remembers of a value that moves all the time is coarse.
    if (day - mrrOn >= 10 && !unknown && chance(0.2)) {
      mrr += between(-20_000, 20_001)
      mrrOn = day
    }
    seatUse = Math.min(1, Math.max(0.3, seatUse + random() * 0.2 - 0.1))
    if (chance(0.3)) stepOn = day
    while (renewsOn < day) renewsOn += 365
    const onboarding = day < onboardingUntil
    const shown = unknown && chance(0.5) ? null : score
    const facts: Partial<Facts> = {
      score: shown,
      scoreDelta7d: movedSince(sightings, tick, 7, shown),
      scoreDelta28d: movedSince(sightings, tick, 28, shown),
      band: unknown ? 'insufficient_data' : band,
      confidence: unknown ? 0.2 : 0.8,
      stage: churned ? 'churned' : onboarding ? 'onboarding' : renewsOn - day <= 90 ? 'renewal' : 'adoption',
      silentSince,
      renewalInDays: renewsOn - day,
      mrr,
      seatUse: hasSeats ? Math.round(seatUse * 1_000) / 1_000 : null,
      openUrgentTickets: chance(0.05) ? null : chance(0.05) ? 1 : 0,
      detractorWithin90d: detractorOn !== null,
      paymentFailedDays: failedOn === null ? null : day - failedOn,
      cancelScheduled,
      championRemoved,
      onboardingOverdueDays: onboarding ? Math.max(0, day - 90) : null,
      onboardingStalledDays: onboarding ? day - stepOn : null,
      ownerId: `csm-${index % 10}`,
    }
    sightings.push({ tick, backfill: chance(0.02), plan, facts: factsWith(facts, sightings.length + 1) })
  }
  return sightings
}

/** Against the score published last at or before so many days ago. */
const movedSince = (before: readonly Sighting[], tick: number, days: number, score: number | null): number | null => {
  const then = before.findLast((one) => one.tick <= tick - days * TICKS_PER_DAY && one.facts.score !== null)
  return then === undefined || score === null ? null : Math.round((score - then.facts.score!) * 10) / 10
}

const factsWith = (facts: Partial<Facts>, sequence: number): Facts =>
  accountChange({ sequence, at: 0, score: facts.score ?? 0, facts: { ...facts, sequence } }).facts

export const accountIdOf = (index: number): string => `account-${index}`

/** The messages that a life is published as. */
export const messagesOf = (accountId: string, life: readonly Sighting[]): readonly AccountHealth[] =>
  life.map(({ tick, facts, backfill, plan }, i) =>
    accountChange({
      accountId,
      sequence: i + 1,
      at: atTick(tick),
      score: facts.score ?? 0,
      previousScore: life[i - 1]?.facts.score ?? 0,
      backfill,
      facts,
      traits: { plan },
    }),
  )
