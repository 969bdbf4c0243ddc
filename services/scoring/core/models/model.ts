import type { FactorModel, FactorName, GroupName, Model } from '#libs/contracts/health-model.ts'
import { KNOWN_TYPES } from '../events/event-types.ts'

export type TypeRule = {
  readonly activity: boolean
  readonly feature: string | null
  readonly core: boolean
  readonly firstValue: boolean
}

/** The model with lookups for folding and scoring. */
export type CompiledModel = {
  readonly model: Model
  readonly typeRule: (type: string) => TypeRule
  readonly coreFeatures: ReadonlySet<string>
  readonly urgentPriorities: ReadonlySet<string>
  readonly contactKinds: ReadonlySet<string>
  readonly connected: ReadonlySet<GroupName>
  /** Factors of all groups, in order. */
  readonly factors: readonly FactorModel[]
  /** Days of each counter that some window can still reach. */
  readonly keep: {
    readonly active: number
    readonly core: number
    readonly users: number
    readonly tickets: number
    readonly csat: number
  }
  readonly nps: { readonly windowDays: number }
  /** The fact `seatUse` counts users over the window of `usage.active_ratio`. */
  readonly seatUseDays: number
  /** Models of one fingerprint fold the same events into the same state. */
  readonly fingerprint: string
}

/** Custom names are unbounded: the table of remembered rules starts again when it is full. */
const REMEMBERED_TYPES = 10_000

export const compileModel = (model: Model): CompiledModel => {
  const coreFeatures = new Set(model.coreFeatures)
  const activityTypes = new Set(model.activity.types)
  const firstValueTypes = new Set(model.onboarding.firstValueTypes)
  const rules = new Map<string, TypeRule>()
  const makeRule = (type: string): TypeRule => {
    const known = KNOWN_TYPES.has(type)
    const mapped = known || !Object.hasOwn(model.features, type) ? undefined : model.features[type]
    const custom = !known && mapped !== null && model.activity.customTypes
    return {
      activity: activityTypes.has(type) || custom,
      feature: mapped ?? null,
      core: typeof mapped === 'string' && coreFeatures.has(mapped),
      firstValue: firstValueTypes.has(type),
    }
  }
  return {
    model,
    typeRule: (type) => {
      let rule = rules.get(type)
      if (rule === undefined) {
        rule = makeRule(type)
        if (rules.size >= REMEMBERED_TYPES) rules.clear()
        rules.set(type, rule)
      }
      return rule
    },
    coreFeatures,
    urgentPriorities: new Set(model.support.urgentPriorities),
    contactKinds: new Set(model.relationship.contactKinds),
    connected: new Set(model.connected),
    factors: model.groups.flatMap((group) => group.factors),
    ...windowsOf(model),
    seatUseDays:
      model.groups.flatMap((group) => group.factors).find(({ name }) => name === 'usage.active_ratio')?.windowDays ??
      SEAT_USE_DAYS,
    fingerprint: foldFingerprint(model),
  }
}

const windowsOf = (model: Model): Pick<CompiledModel, 'keep' | 'nps'> => {
  const factors = new Map(model.groups.flatMap((group) => group.factors.map((factor) => [factor.name, factor])))
  const windowOf = (name: FactorName): number => factors.get(name)?.windowDays ?? 0
  const trend = factors.get('usage.trend')?.settings
  const users = (['usage.active_ratio', 'adoption.depth', 'support.ticket_rate'] as const).map(windowOf)
  return {
    keep: {
      active: Math.max(model.silence.historyDays, windowOf('usage.active_days')),
      core: (trend?.recentDays ?? 0) + (trend?.baseDays ?? 0),
      users: Math.max(SEAT_USE_DAYS, ...users),
      tickets: Math.max(windowOf('support.ticket_rate'), windowOf('support.sla_breach')),
      csat: windowOf('sentiment.csat'),
    },
    nps: { windowDays: Math.max(windowOf('sentiment.nps'), 1) },
  }
}

/** The window of `seatUse` where the model measures no active ratio. */
const SEAT_USE_DAYS = 28

/** All that the counters depend on: another fingerprint needs a fold of the raw events. */
export const foldFingerprint = (model: Model): string => {
  const { keep, nps } = windowsOf(model)
  const { activity, features, coreFeatures, onboarding, support, relationship, facts } = model
  return JSON.stringify([
    keep,
    nps,
    [...activity.types].sort(),
    activity.customTypes,
    Object.entries(features).sort(([a], [b]) => (a < b ? -1 : 1)),
    [...coreFeatures].sort(),
    [...onboarding.firstValueTypes].sort(),
    [...support.urgentPriorities].sort(),
    [...relationship.contactKinds].sort(),
    [facts.detractorUpTo, facts.promoterFrom],
  ])
}
