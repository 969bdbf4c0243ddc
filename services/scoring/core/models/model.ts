import type { CapName, GroupName } from '../evaluation/evaluation.ts'
import { KNOWN_TYPES } from '../events/event-types.ts'
import type { Curve } from '../factors/score-factor.ts'
import type { ExpansionRules } from '../insights/expansion-readiness.ts'
import type { RenewalRiskRules } from '../insights/renewal-risk.ts'
import type { Segment } from './segment.ts'

/** Columns of the weights; churned accounts keep the column of the stage they left. */
export type WeightStage = 'onboarding' | 'adoption' | 'renewal'

/** A factor's numbers. Which of them a factor needs is said by its definition (`factors/`). */
export type FactorModel = {
  readonly name: string
  /** Within the group; a group's weights sum to 100. */
  readonly weight: number
  readonly windowDays?: number | undefined
  /** Value -> points, linear between anchors. */
  readonly curve?: Curve | undefined
  /** Limit -> points for values up to the limit. */
  readonly upTo?: Curve | undefined
  /** Points past the last limit. */
  readonly beyond?: number | undefined
  /** Points of named situations. */
  readonly points?: Readonly<Record<string, number>> | undefined
  readonly settings?: Readonly<Record<string, number>> | undefined
}

export type GroupModel = {
  readonly name: GroupName
  /** By stage; each stage's weights sum to 100 over the groups. */
  readonly weights: Readonly<Record<WeightStage, number>>
  readonly factors: readonly FactorModel[]
}

export type CapModel = { readonly name: CapName; readonly limit: number; readonly overDays?: number | undefined }

/** The parsed document of one version. Plain data: every default is here, none in code. */
export type Model = {
  readonly id: string
  readonly version: number
  readonly name: string
  readonly description?: string | undefined
  /** Every model but `default` has one. */
  readonly segment?: Segment | undefined
  readonly groups: readonly GroupModel[]
  readonly caps: readonly CapModel[]
  readonly bands: {
    readonly healthy: number
    readonly watch: number
    readonly atRisk: number
    readonly recoveryMargin: number
    readonly insufficientBelow: number
  }
  readonly stages: {
    readonly blendDays: number
    readonly renewalWindowDays: number
    readonly shortTermMonths: number
    readonly shortRenewalWindowDays: number
    readonly watchPeriodDays: number
  }
  readonly onboarding: {
    readonly targetDays: number
    /** Required steps of journeys that name none. */
    readonly steps: readonly string[]
    readonly firstValueTypes: readonly string[]
    /** Comparable accounts: the newest completions of the same journey, from `minimum` of them on. */
    readonly cohort: { readonly newest: number; readonly minimum: number }
  }
  readonly silence: {
    readonly onboardingDays: number
    readonly gapFactor: number
    readonly historyDays: number
    readonly minimumGaps: number
    readonly minDays: number
    readonly maxDays: number
    readonly defaultDays: number
  }
  readonly activity: {
    readonly types: readonly string[]
    /** Whether types that are not in Pulso's own table count as activity. */
    readonly customTypes: boolean
  }
  /** Custom type -> feature, or null for no activity. */
  readonly features: Readonly<Record<string, string | null>>
  readonly coreFeatures: readonly string[]
  /** Groups for which "never reported" means zero. */
  readonly connected: readonly GroupName[]
  readonly sources: Readonly<
    Record<string, { readonly groups: readonly GroupName[]; readonly expectedIntervalHours: number }>
  >
  readonly support: { readonly urgentPriorities: readonly string[] }
  readonly relationship: { readonly contactKinds: readonly string[] }
  readonly facts: {
    readonly detractorUpTo: number
    readonly detractorDays: number
    readonly promoterFrom: number
    readonly advocacyDays: number
    readonly advocateHealthyDays: number
    readonly topContributions: number
    /** For how long a fact that only counts days wakes its account each midnight. */
    readonly counterDays: number
  }
  /** Beside the score, never part of it. */
  readonly expansion: ExpansionRules
  readonly renewalRisk: RenewalRiskRules
}

export type TypeRule = {
  readonly activity: boolean
  readonly feature: string | null
  readonly core: boolean
  readonly firstValue: boolean
}

/** The model with what folding and scoring look up for every event and account. */
export type CompiledModel = {
  readonly model: Model
  readonly typeRule: (type: string) => TypeRule
  readonly coreFeatures: ReadonlySet<string>
  readonly urgentPriorities: ReadonlySet<string>
  readonly contactKinds: ReadonlySet<string>
  readonly connected: ReadonlySet<GroupName>
  /** Of all groups, in order. */
  readonly factors: readonly FactorModel[]
  /** Days of each kind of counter that some window can still reach. */
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
  const windowOf = (name: string): number => factors.get(name)?.windowDays ?? 0
  const trend = factors.get('usage.trend')?.settings
  const users = ['usage.active_ratio', 'adoption.depth', 'support.ticket_rate'].map(windowOf)
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

/** What of a model the counters in a state depend on: where it differs, states must be folded again from the raw events. */
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
