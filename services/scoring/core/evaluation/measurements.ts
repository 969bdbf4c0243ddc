import type { FactorModel, GroupName } from '#libs/contracts/health-model.ts'
import { dateOfDay } from '#libs/time/time-zone.ts'
import type { Measurement } from '../factors/score-factor.ts'
import { round4, toUnits, UNITS_PER_POINT } from '../largest-remainder.ts'
import type { CompiledModel } from '../models/model.ts'

export type FactorResult = {
  readonly factor: string
  readonly status: 'measured' | 'no_data' | 'stale'
  readonly value: number | null
  readonly points: number | null
  readonly weight: number
  readonly freshness: number
  /** Points of the score, 4 decimals; the groups' factors sum exactly to the group. */
  readonly contribution: number
  /** `from` and `to` are local dates, both inside the window. */
  readonly window: { readonly days: number; readonly from: string; readonly to: string } | null
}

export type GroupResult = {
  readonly group: GroupName
  /** Effective share of the total weight, percent. */
  readonly weight: number
  readonly points: number | null
  readonly contribution: number
  readonly factors: readonly FactorResult[]
}

/**
 * Measurements of an account in columns: every flush makes one per account, few are read in full.
 * Factors and groups are in model order; contributions in units of 1e-4.
 */
export type Measured = {
  readonly model: CompiledModel
  readonly day: number
  readonly factors: readonly Measurement[]
  readonly factorUnits: readonly number[]
  readonly groupUnits: readonly number[]
  /** Null for a group without effective weight. */
  readonly groupPoints: readonly (number | null)[]
  readonly groupEffective: readonly number[]
}

/** Groups with their factors, as published. */
export const groupsOf = ({ measured }: { readonly measured: Measured }): readonly GroupResult[] => {
  const { model, factors, factorUnits, groupUnits, groupPoints, groupEffective } = measured
  const total = groupEffective.reduce((sum, effective) => sum + effective, 0)
  let first = 0
  return model.model.groups.map((group, g) => {
    const points = groupPoints[g]!
    const from = first
    first += group.factors.length
    return {
      group: group.name,
      weight: total > 0 ? round4((100 * groupEffective[g]!) / total) : 0,
      points: points === null ? null : round4(points),
      contribution: groupUnits[g]! / UNITS_PER_POINT,
      factors: group.factors.map((factor, f) =>
        factorResult(measured, factor, factors[from + f]!, factorUnits[from + f]!),
      ),
    }
  })
}

const factorResult = (measured: Measured, factor: FactorModel, found: Measurement, units: number): FactorResult => ({
  factor: factor.name,
  status: found.points === null ? 'no_data' : found.freshness < 1 ? 'stale' : 'measured',
  value: published(found.value),
  points: published(found.points),
  weight: factor.weight,
  freshness: round4(found.freshness),
  contribution: units / UNITS_PER_POINT,
  window: windowOf(factor, measured.day),
})

/** 4 decimals, half away from zero. */
export const published = (value: number | null): number | null =>
  value === null ? null : toUnits(value) / UNITS_PER_POINT

/** The local days a factor looks at, both ends included; null without a window. */
export const windowOf = (factor: FactorModel, day: number): FactorResult['window'] => {
  const days = factor.windowDays ?? (factor.settings?.recentDays ?? 0) + (factor.settings?.baseDays ?? 0)
  return days === 0 ? null : windowOfDays(day, days)
}

/** All evaluations of a day share a few windows: one object each. */
const windows = new Map<number, NonNullable<FactorResult['window']>>()
const REMEMBERED_WINDOWS = 1_000
const MOST_DAYS = 10_000

const windowOfDays = (day: number, days: number): NonNullable<FactorResult['window']> => {
  const key = day * MOST_DAYS + days
  let window = windows.get(key)
  if (window === undefined) {
    window = { days, from: dateOfDay(day - days + 1), to: dateOfDay(day) }
    if (windows.size >= REMEMBERED_WINDOWS) windows.clear()
    windows.set(key, window)
  }
  return window
}
