import type { FactorModel, GroupModel } from '#libs/contracts/health-model.ts'
import { FACTORS } from '../factors/factor-table.ts'
import { type Measurement, NO_DATA, scoreFactor } from '../factors/score-factor.ts'
import type { AccountView } from '../journey/account-view.ts'
import { round4, shareUnits, toUnits } from '../largest-remainder.ts'
import type { Measured } from './measurements.ts'
import type { SourceFreshness } from './source-freshness.ts'
import { groupWeight, type Standing } from './stage-weights.ts'

export type WeightedFactors = {
  readonly measured: Measured
  /** Units of 1e-4 points, before caps; null when no group has effective weight. */
  readonly scoreUnits: number | null
  readonly confidence: number
}

type MeasuredGroup = {
  /** Factor weight x freshness, of factors with data. */
  readonly freshWeight: number
  /** The group's share of the total, after missing data and fading. */
  readonly effective: number
  readonly points: number | null
}

/** Measures every factor and spreads the weight of missing ones. Contributions sum to the score. */
export const weightFactors = (view: AccountView, standing: Standing, sources: SourceFreshness): WeightedFactors => {
  const { groups } = view.model.model
  const factors: Measurement[] = []
  const weighted: MeasuredGroup[] = []
  let total = 0
  let confidence = 0
  for (const group of groups) {
    const stageWeight = groupWeight(group, standing)
    const one = measureGroup(view, group, stageWeight, sources.of(group.name), factors)
    weighted.push(one)
    total += one.effective
    confidence += stageWeight * one.freshWeight
  }
  const shares = weighted.map(({ effective, points }) => (points === null ? 0 : (points * effective) / total))
  const scoreUnits = total > 0 ? toUnits(shares.reduce((sum, share) => sum + share, 0)) : null
  const groupUnits = scoreUnits === null ? shares : shareUnits(shares, scoreUnits)
  const measured: Measured = {
    model: view.model,
    day: view.day,
    factors,
    factorUnits: factorUnitsOf(groups, factors, weighted, groupUnits, total),
    groupUnits,
    groupPoints: weighted.map(({ points }) => points),
    groupEffective: weighted.map(({ effective }) => effective),
  }
  return { measured, scoreUnits, confidence: round4(confidence / 10_000) }
}

/** Appends the group's measurements to `into`. */
const measureGroup = (
  view: AccountView,
  group: GroupModel,
  stageWeight: number,
  sourceFresh: number,
  into: Measurement[],
): MeasuredGroup => {
  let present = 0
  let freshWeight = 0
  let points = 0
  for (const factor of group.factors) {
    const measurement = measure(view, factor, sourceFresh)
    into.push(measurement)
    if (measurement.points === null) continue
    present += factor.weight
    freshWeight += factor.weight * measurement.freshness
    points += factor.weight * measurement.freshness * measurement.points
  }
  const effective = present > 0 ? (stageWeight * freshWeight) / present : 0
  return { freshWeight, effective, points: effective > 0 ? points / freshWeight : null }
}

/** Before its first event an account has no data, whatever its model is connected to. */
const measure = (view: AccountView, factor: FactorModel, sourceFresh: number): Measurement => {
  if (view.state.firstEventAt === null) return NO_DATA
  const measurement = scoreFactor(FACTORS[factor.name], view, factor)
  return sourceFresh === 1 ? measurement : { ...measurement, freshness: measurement.freshness * sourceFresh }
}

const factorUnitsOf = (
  groups: readonly GroupModel[],
  factors: readonly Measurement[],
  weighted: readonly MeasuredGroup[],
  groupUnits: readonly number[],
  total: number,
): number[] => {
  const units: number[] = []
  for (let g = 0; g < groups.length; g += 1) {
    const { factors: models } = groups[g]!
    const { freshWeight, effective, points } = weighted[g]!
    const first = units.length
    if (points === null) {
      for (let f = 0; f < models.length; f += 1) units.push(0)
      continue
    }
    const share = effective / total / freshWeight
    const parts = models.map(({ weight }, f) => {
      const found = factors[first + f]!
      return found.points === null ? 0 : found.points * weight * found.freshness * share
    })
    units.push(...shareUnits(parts, groupUnits[g]!))
  }
  return units
}
