import type { FactorResult, GroupResult } from './evaluation.ts'
import { FACTORS } from './factor-table.ts'
import { round4, shareUnits, toUnits, UNITS_PER_POINT } from './largest-remainder.ts'
import type { FactorModel, GroupModel } from './model.ts'
import type { SourceFreshness } from './source-freshness.ts'
import { groupWeight, type Standing } from './stage-weights.ts'
import { type Measurement, noData, type View, windowStart } from './view.ts'
import { dateOfDay } from './zone.ts'

export type Weighed = {
  readonly groups: readonly GroupResult[]
  /** Units of 1e-4 points, before caps; null when no group has effective weight. */
  readonly scoreUnits: number | null
  readonly confidence: number
  /** In how many local days a factor that bears weight can first move. */
  readonly changesIn: number
}

type MeasuredGroup = {
  readonly group: GroupModel
  readonly measurements: readonly Measurement[]
  /** Factor weight x freshness, of factors with data. */
  readonly freshWeight: number
  /** Share of the stage's total the group has left, after missing data spread within it and fading took from it. */
  readonly effective: number
  readonly points: number | null
}

const NO_DATA = noData()

/** Measures every factor and spreads the weight of what is missing; contributions sum exactly to the rounded score. */
export const weigh = (view: View, standing: Standing, sources: SourceFreshness): Weighed => {
  const { groups } = view.model.model
  const measured: MeasuredGroup[] = []
  let total = 0
  let confidence = 0
  let changesIn = Number.POSITIVE_INFINITY
  for (const group of groups) {
    const stageWeight = groupWeight(group, standing)
    const one = measureGroup(view, group, stageWeight, sources.of(group.name))
    measured.push(one)
    total += one.effective
    confidence += stageWeight * one.freshWeight
    if (stageWeight > 0) for (const { changesIn: days } of one.measurements) changesIn = Math.min(changesIn, days)
  }
  const shares = measured.map(({ effective, points }) => (points === null ? 0 : (points * effective) / total))
  const scoreUnits = total > 0 ? toUnits(shares.reduce((sum, share) => sum + share, 0)) : null
  const units = scoreUnits === null ? shares : shareUnits(shares, scoreUnits)
  return {
    groups: measured.map((one, index) => resultOf(view, one, units[index]!, total)),
    scoreUnits,
    confidence: round4(confidence / 10_000),
    changesIn,
  }
}

const measureGroup = (view: View, group: GroupModel, stageWeight: number, sourceFresh: number): MeasuredGroup => {
  const measurements: Measurement[] = []
  let present = 0
  let freshWeight = 0
  let points = 0
  for (const factor of group.factors) {
    const measurement = measure(view, factor, sourceFresh)
    measurements.push(measurement)
    if (measurement.points === null) continue
    present += factor.weight
    freshWeight += factor.weight * measurement.freshness
    points += factor.weight * measurement.freshness * measurement.points
  }
  const effective = present > 0 ? (stageWeight * freshWeight) / present : 0
  return { group, measurements, freshWeight, effective, points: effective > 0 ? points / freshWeight : null }
}

/** Before its first event an account has nothing to measure, whatever its model is connected to. */
const measure = (view: View, factor: FactorModel, sourceFresh: number): Measurement => {
  if (view.state.firstEventAt === null) return NO_DATA
  const measurement = FACTORS.get(factor.name)!.measure(view, factor)
  return sourceFresh === 1 ? measurement : { ...measurement, freshness: measurement.freshness * sourceFresh }
}

const resultOf = (view: View, one: MeasuredGroup, units: number, total: number): GroupResult => {
  const { group, measurements, freshWeight, effective, points } = one
  const share = points === null ? 0 : effective / total / freshWeight
  const parts = measurements.map(({ points: earned, freshness }, index) =>
    earned === null ? 0 : earned * group.factors[index]!.weight * freshness * share,
  )
  const factorUnits = points === null ? parts : shareUnits(parts, units)
  return {
    group: group.name,
    weight: total > 0 ? round4((100 * effective) / total) : 0,
    points: points === null ? null : round4(points),
    contribution: units / UNITS_PER_POINT,
    factors: group.factors.map((factor, index) =>
      factorResult(view, factor, measurements[index]!, factorUnits[index]!),
    ),
  }
}

const factorResult = (view: View, factor: FactorModel, found: Measurement, units: number): FactorResult => ({
  factor: factor.name,
  status: found.points === null ? 'no_data' : found.freshness < 1 ? 'stale' : 'measured',
  value: found.value === null ? null : round4(found.value),
  points: found.points === null ? null : round4(found.points),
  weight: factor.weight,
  freshness: round4(found.freshness),
  contribution: units / UNITS_PER_POINT,
  window: windowOf(view, factor),
})

const windowOf = (view: View, factor: FactorModel): FactorResult['window'] => {
  const days = factor.windowDays ?? (factor.settings?.recentDays ?? 0) + (factor.settings?.baseDays ?? 0)
  return days === 0 ? null : windowOfDays(view, days)
}

/** The same few windows come up in every evaluation of a day: one object each. */
const windows = new Map<string, NonNullable<FactorResult['window']>>()
const REMEMBERED_WINDOWS = 1_000

const windowOfDays = (view: View, days: number): NonNullable<FactorResult['window']> => {
  const key = `${view.day}/${days}`
  let window = windows.get(key)
  if (window === undefined) {
    window = { days, from: dateOfDay(windowStart(view, days)), to: dateOfDay(view.day) }
    if (windows.size >= REMEMBERED_WINDOWS) windows.clear()
    windows.set(key, window)
  }
  return window
}
