import type { Facts } from '#libs/contracts/account-health.ts'
import { HOUR_MS, MINUTE_MS } from '#libs/runtime/durations.ts'
import { earliest } from '../conditions/condition.ts'
import {
  type AccountDecision,
  decideOnFacts,
  decideOnTime,
  type EvaluationContext,
  type RuleInForce,
  type RuleStates,
} from './decide-account.ts'
import type { About } from './rule.ts'
import type { Seen } from './subject.ts'

/** What was last known of a source. */
export type SourceSeen = {
  /** When it was last looked at. */
  readonly at: number
  readonly heardAt: number
  readonly expectedIntervalHours: number | null
}

/** How many of a tenant's accounts fell silent since an instant, of how many that were active until then. */
export type QuietCount = { readonly quiet: number; readonly active: number }

type Known<What> = { readonly seen: What | null; readonly states: RuleStates }
type RuleAbout<Kind extends About['kind']> = Extract<About, { kind: Kind }>

/**
 * A source that was heard, or of which only time has passed, until `until`. First what fell due before: a source that was quiet too
 * long in between was silent from its exact instant.
 */
export const decideSource = (
  { seen, states }: Known<SourceSeen>,
  news: Omit<SourceSeen, 'at'> | null,
  until: number,
  around: EvaluationContext,
): AccountDecision =>
  eachRule('source', states, around, (about, known, alone) => {
    const silentAt = seen === null ? null : seen.heardAt + intervalOf(seen, about)
    const wasSilent = silentAt !== null && silentAt <= seen!.at
    const before = seen === null ? null : seenQuiet(wasSilent ? silentAt : null)
    const known_ = { seen: before, states: known }
    const end = Math.max(until, seen?.at ?? 0)
    const silent = silentAt !== null && !wasSilent && silentAt <= end
    const fallen = silent ? decideOnFacts(known_, seenQuiet(silentAt), silentAt, alone) : undefined
    const now = { seen: silent ? seenQuiet(silentAt) : before, states: fallen?.states ?? known }
    const nextSilentAt = news === null ? silentAt : news.heardAt + intervalOf(news, about)
    // News may come so late that the source is silent again, or still.
    const isSilent = nextSilentAt !== null && nextSilentAt <= end
    const last =
      news === null
        ? decideOnTime(now, end, alone)
        : decideOnFacts(now, seenQuiet(isSilent ? nextSilentAt : null), end, alone)
    const waits = nextSilentAt !== null && nextSilentAt > end ? nextSilentAt : null
    return {
      states: last.states,
      transitions: [...(fallen?.transitions ?? []), ...last.transitions],
      nextCheckAt: earliest(last.nextCheckAt, waits),
    }
  })

/** While an outage lasts, it is counted again this often, whatever is heard in between. */
const COUNT_AGAIN_MS = MINUTE_MS

/**
 * A tenant's accounts, counted for each rule since the start of its span: the last one or, while the outage lasts, the one in which it began.
 * An outage ends when there is less than half of what it takes to begin one.
 */
export const decideTenant = (
  states: RuleStates,
  counts: ReadonlyMap<string, QuietCount>,
  at: number,
  around: EvaluationContext,
): AccountDecision =>
  eachRule('tenant', states, around, (about, known, alone) => {
    const { rule } = alone.rules[0]!
    const state = known[rule.id]?.state
    const lasts = isOpen(known, rule.id)
    const isQuiet = isMany(counts.get(rule.id) ?? { quiet: 0, active: 0 }, about, lasts)
    const decision = decideOnFacts(
      // The last count had it that the outage lasts, unless it was about to end.
      { seen: seenQuiet(lasts && state?.phase !== 'recovering' ? state!.since : null), states: known },
      seenQuiet(isQuiet ? at : null),
      at,
      alone,
    )
    const counted = isOpen(decision.states, rule.id) ? at + COUNT_AGAIN_MS : null
    return { ...decision, nextCheckAt: earliest(decision.nextCheckAt, counted) }
  })

/** Whether so many quiet accounts are an outage; one that lasts ends below half of that. */
export const isMany = (
  { quiet, active }: QuietCount,
  { atLeast, share }: RuleAbout<'tenant'>,
  lasts = false,
): boolean => {
  const part = lasts ? 0.5 : 1
  return active > 0 && quiet > 0 && quiet >= atLeast * part && quiet / active >= share * part
}

/** From when on accounts that fell silent are counted for a rule. */
export const countedSince = (states: RuleStates, { rule }: RuleInForce, at: number): number => {
  const state = states[rule.id]?.state
  const began = state && isOpen(states, rule.id) ? (state.firedAt ?? state.since) : at
  return rule.about.kind === 'tenant' ? began - rule.about.withinMs : began
}

/** Rules of accounts that are not told while these alerts are open. One that was closed by hand mutes nothing any more. */
export const inhibitedBy = (rules: readonly RuleInForce[], states: RuleStates): readonly string[] => [
  ...new Set(
    rules.flatMap(({ rule }) => {
      const state = states[rule.id]?.state
      const holds = state && (state.phase === 'firing' || state.phase === 'recovering') && !state.closed
      return holds ? rule.mutes : []
    }),
  ),
]

const isOpen = (states: RuleStates, ruleId: string): boolean => {
  const phase = states[ruleId]?.state.phase
  return phase === 'pending' || phase === 'firing' || phase === 'recovering'
}

const intervalOf = ({ expectedIntervalHours }: Omit<SourceSeen, 'at'>, { quietForMs }: RuleAbout<'source'>): number =>
  expectedIntervalHours === null ? quietForMs : expectedIntervalHours * HOUR_MS

/** Each rule by itself: what is silent for one is not for another. */
const eachRule = <Kind extends About['kind']>(
  kind: Kind,
  states: RuleStates,
  around: EvaluationContext,
  decide: (about: RuleAbout<Kind>, known: RuleStates, alone: EvaluationContext) => AccountDecision,
): AccountDecision => {
  const decisions = around.rules.flatMap((inForce) => {
    const { id, about } = inForce.rule
    if (about.kind !== kind) return []
    const known: RuleStates = states[id] ? { [id]: states[id] } : {}
    return [decide(about as RuleAbout<Kind>, known, { ...around, rules: [inForce] })]
  })
  return {
    states: Object.assign({}, ...decisions.map((decision) => decision.states)),
    transitions: decisions.flatMap((decision) => decision.transitions).sort((a, b) => a.at - b.at),
    nextCheckAt: decisions.reduce<number | null>((due, { nextCheckAt }) => earliest(due, nextCheckAt), null),
  }
}

/** The one thing that rules about sources and tenants ask of: since when it is quiet. */
const seenQuiet = (silentSince: number | null): Seen => ({
  facts: { ...NO_FACTS, silentSince: silentSince === null ? null : new Date(silentSince).toISOString() },
  traits: {},
  backfill: false,
})

const NO_FACTS: Facts = {
  score: null,
  band: 'healthy',
  confidence: 1,
  stage: 'adoption',
  daysInStage: 0,
  scoreDelta7d: null,
  scoreDelta28d: null,
  daysSinceLastActivity: null,
  silenceLimitDays: null,
  silentSince: null,
  renewalInDays: null,
  autoRenew: null,
  mrr: null,
  seatUse: null,
  planUse: null,
  openUrgentTickets: null,
  detractorWithin90d: false,
  paymentFailedDays: null,
  cancelScheduled: false,
  championRemoved: false,
  onboardingOverdueDays: null,
  onboardingStalledDays: null,
  ownerId: null,
  advocate: false,
  topContributions: [],
  sequence: 0,
}
