import { HOUR_MS, MINUTE_MS } from '#libs/runtime/durations.ts'
import type { NotificationPolicy } from '../alert/notification-policy.ts'
import { isMutedByOutage, type Outage } from '../alert/outage.ts'
import type { About, Rule } from '../alert/rule.ts'
import type { RuleInForce, RuleStates } from '../alert/rule-states.ts'
import { earliest, NO_MEMORY } from '../conditions/condition.ts'
import type { RuleResult } from './alert-step.ts'
import {
  type Decision,
  type DecisionContext,
  decideAsTimePasses,
  decideOnNews,
  type Observed,
} from './decide-instants.ts'

export type MonitorContext = DecisionContext & {
  readonly outages?: readonly Outage[]
  readonly policy?: NotificationPolicy | null
  /** Of alerting: no change of an account opens these alerts. */
  readonly epoch: number
}

export type SourceSeen = {
  /** When the source was last evaluated. */
  readonly at: number
  readonly heardAt: number
  readonly expectedIntervalHours: number | null
}

/** How many accounts became inactive since an instant, of how many that were active until then. */
export type InactiveCount = { readonly inactive: number; readonly active: number }

type Known<What> = { readonly seen: What | null; readonly states: RuleStates }
type RuleAbout<Kind extends About['kind']> = Extract<About, { kind: Kind }>

/** A source that was inactive between its news was inactive from the exact instant. */
export const decideSource = (
  { seen, states }: Known<SourceSeen>,
  news: Omit<SourceSeen, 'at'> | null,
  until: number,
  context: MonitorContext,
): Decision =>
  eachRule('source', states, context, (about, known, alone) => {
    const end = Math.max(until, seen?.at ?? 0)
    const inactiveAt = seen === null ? null : seen.heardAt + intervalOf(seen, about)
    const wasInactive = inactiveAt !== null && inactiveAt <= seen!.at
    const before = seen === null ? null : observe(wasInactive, alone)
    const isNewlyInactive = inactiveAt !== null && !wasInactive && inactiveAt <= end
    const after = observe(true, alone)
    const first = isNewlyInactive ? decideOnNews(known, { before, after, at: inactiveAt }, alone) : undefined
    const reached = first?.states ?? known
    const current = isNewlyInactive ? after : before
    const nextInactiveAt = news === null ? inactiveAt : news.heardAt + intervalOf(news, about)
    // News may come so late that the source is inactive again, or still.
    const isInactive = nextInactiveAt !== null && nextInactiveAt <= end
    const last =
      news === null
        ? decideAsTimePasses(reached, { observed: current, at: end }, alone)
        : decideOnNews(reached, { before: current, after: observe(isInactive, alone), at: end }, alone)
    return {
      states: last.states,
      transitions: [...(first?.transitions ?? []), ...last.transitions],
      nextCheckAt: isInactive ? last.nextCheckAt : earliest(last.nextCheckAt, nextInactiveAt),
    }
  })

const COUNT_AGAIN_MS = MINUTE_MS

/** While an outage lasts, the tenant's accounts are counted again every minute. */
export const decideTenant = (
  states: RuleStates,
  counts: ReadonlyMap<string, InactiveCount>,
  at: number,
  context: MonitorContext,
): Decision =>
  eachRule('tenant', states, context, (about, known, alone) => {
    const { id } = alone.rules[0]!.rule
    const lasts = isOpen(known, id)
    const isOutage = isMany(counts.get(id) ?? { inactive: 0, active: 0 }, about, lasts)
    const wasOutage = lasts && known[id]?.state.phase !== 'recovering'
    const news = { before: observe(wasOutage, alone), after: observe(isOutage, alone), at }
    const decision = decideOnNews(known, news, alone)
    const countAgainAt = isOpen(decision.states, id) ? at + COUNT_AGAIN_MS : null
    return { ...decision, nextCheckAt: earliest(decision.nextCheckAt, countAgainAt) }
  })

/** Whether so many inactive accounts are an outage. An outage ends below half of a bound. */
export const isMany = (
  { inactive, active }: InactiveCount,
  { atLeast, share }: RuleAbout<'tenant'>,
  lasts = false,
): boolean => {
  const part = lasts ? 0.5 : 1
  return active > 0 && inactive > 0 && inactive >= atLeast * part && inactive / active >= share * part
}

/** Start of the span in which inactive accounts count; in an outage it is the outage's first. */
export const countedSince = (states: RuleStates, { rule }: RuleInForce, at: number): number => {
  const state = states[rule.id]?.state
  const began = state && isOpen(states, rule.id) ? (state.firedAt ?? state.since) : at
  return rule.about.kind === 'tenant' ? began - rule.about.withinMs : began
}

/** Rules of accounts that these open alerts mute. An alert closed by a person mutes nothing. */
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

/** Decides about each rule alone: a source that is inactive for one rule is active for another. */
const eachRule = <Kind extends About['kind']>(
  kind: Kind,
  states: RuleStates,
  context: MonitorContext,
  decide: (about: RuleAbout<Kind>, known: RuleStates, alone: MonitorContext) => Decision,
): Decision => {
  const decisions = context.rules.flatMap((inForce) => {
    const { id, about } = inForce.rule
    if (about.kind !== kind) return []
    const known: RuleStates = states[id] ? { [id]: states[id] } : {}
    return [decide(about as RuleAbout<Kind>, known, { ...context, rules: [inForce] })]
  })
  return {
    // A state whose rule cannot be read stays as it is.
    states: Object.assign({}, states, ...decisions.map((decision) => decision.states)),
    transitions: decisions.flatMap((decision) => decision.transitions).sort((a, b) => a.at - b.at),
    nextCheckAt: decisions.reduce<number | null>((due, { nextCheckAt }) => earliest(due, nextCheckAt), null),
  }
}

/** `met`: the source is inactive, or so many accounts are. */
const observe = (met: boolean, { outages = [], policy = null, epoch }: MonitorContext): Observed => ({
  subject: { accountId: null, ownerId: null, traits: {} },
  backfill: false,
  epoch: () => epoch,
  evaluate: (rule) => resultOf(rule, met),
  operationsOf: (rule, state) => ({
    outage: met && outages.some(({ mutes }) => mutes.includes(rule.id) || isMutedByOutage(state)),
    holdMs: 0,
    quiet: policy?.quietHours ?? null,
    escalation: policy?.escalation ?? null,
  }),
})

/** A filter on traits leaves out every monitor: only accounts have traits. */
const resultOf = ({ enabled, filter }: Rule, met: boolean): RuleResult => {
  const scope = !enabled ? 'switched_off' : Object.keys(filter.traits ?? {}).length > 0 ? 'left_out' : 'in'
  const when = met && scope === 'in'
  return { when, recovers: !when, scope, memory: NO_MEMORY, dueAt: null, isBelow: false }
}
