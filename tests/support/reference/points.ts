import { CURVES, FACTOR_WEIGHTS, GROUPS, type Group } from './reference-model.ts'

/** What was found of a factor: null = no data. Points may exist without a raw value. */
export type Measure = { readonly value: number | null; readonly points: number } | null
export type Measured = { readonly measure: Measure; readonly freshness: number }

export const curve = (factor: string, value: number): number => {
  const anchors = CURVES[factor]!
  const left = anchors.findLast(([x]) => x <= value)
  const right = anchors.find(([x]) => x > value)
  if (!left) return anchors[0]![1]
  if (!right) return left[1]
  return left[1] + ((value - left[0]) / (right[0] - left[0])) * (right[1] - left[1])
}

export const onCurve = (factor: string, value: number | null): Measure =>
  value === null ? null : { value, points: curve(factor, value) }

// Within 1e-9 of a tie counts as a tie: 1e-5 in units of the fourth decimal.
const TIE = 1e-5
const halfUp = (tenThousandths: number): number => Math.floor(tenThousandths + 0.5 + TIE)

/** 4 decimals, half away from zero, as a whole number of ten-thousandths. */
export const tenThousandths = (value: number): number => Math.sign(value) * halfUp(Math.abs(value) * 1e4)
export const round4 = (value: number): number => tenThousandths(value) / 1e4

/** Whole numbers that sum to `total`, by largest remainder; ties in list order. */
export const largestRemainder = (exact: readonly number[], total: number): readonly number[] => {
  const shares = exact.map((value) => Math.floor(value + TIE))
  const remainders = exact.map((value, index) => value - shares[index]!)
  const given = new Set<number>()
  while (shares.reduce((sum, share) => sum + share, 0) < total && given.size < exact.length) {
    const waiting = exact.map((_, index) => index).filter((index) => !given.has(index))
    const largest = Math.max(...waiting.map((index) => remainders[index]!))
    const next = waiting.find((index) => remainders[index]! >= largest - TIE)!
    shares[next]! += 1
    given.add(next)
  }
  return shares
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

export type ReferenceFactor = {
  readonly factor: string
  readonly status: 'measured' | 'no_data' | 'stale'
  readonly value: number | null
  readonly points: number | null
  readonly weight: number
  readonly freshness: number
  readonly contribution: number
}
export type ReferenceGroup = {
  readonly group: string
  readonly weight: number
  readonly points: number | null
  readonly contribution: number
  readonly factors: readonly ReferenceFactor[]
}
/** Before caps. */
export type Weighing = {
  readonly score: number | null
  readonly confidence: number
  readonly groups: readonly ReferenceGroup[]
}

const groupOf = (factor: string): string => factor.split('.')[0]!

/** Everything from measured factors to the rounded score before caps. */
export const weigh = (
  measured: Readonly<Record<string, Measured>>,
  stageWeights: Readonly<Record<Group, number>>,
): Weighing => {
  const groups = GROUPS.map((group) => {
    const factors = Object.keys(FACTOR_WEIGHTS).filter((factor) => groupOf(factor) === group)
    const known = factors.filter((factor) => measured[factor]!.measure !== null)
    const fresh = (factor: string): number => FACTOR_WEIGHTS[factor]! * measured[factor]!.freshness
    const freshWeight = sum(known.map(fresh))
    const fullWeight = sum(known.map((factor) => FACTOR_WEIGHTS[factor]!))
    const effective = fullWeight > 0 ? (stageWeights[group] * freshWeight) / fullWeight : 0
    const weighted = sum(known.map((factor) => fresh(factor) * measured[factor]!.measure!.points))
    const points = effective > 0 ? weighted / freshWeight : null
    return { group, factors, freshWeight, fresh, effective, points }
  })
  const total = sum(groups.map(({ effective }) => effective))
  const shareOf = (effective: number): number => (total > 0 ? effective / total : 0)
  const exactGroups = groups.map(({ effective, points }) => (points ?? 0) * shareOf(effective) * 1e4)
  const score = total > 0 ? tenThousandths(sum(exactGroups) / 1e4) : 0
  const groupShares = largestRemainder(exactGroups, score)
  const confidence =
    total > 0 ? sum(groups.map(({ group, freshWeight }) => (stageWeights[group] * freshWeight) / 100)) / 100 : 0
  return {
    score: total > 0 ? score / 1e4 : null,
    confidence: round4(confidence),
    groups: groups.map(({ group, factors, fresh, freshWeight, effective, points }, index) => {
      const exactFactors = factors.map((factor) => {
        const measure = measured[factor]!.measure
        if (measure === null || effective === 0) return 0
        return measure.points * shareOf(effective) * (fresh(factor) / freshWeight) * 1e4
      })
      const factorShares = largestRemainder(exactFactors, groupShares[index]!)
      return {
        group,
        weight: round4(shareOf(effective) * 100),
        points: points === null ? null : round4(points),
        contribution: groupShares[index]! / 1e4,
        factors: factors.map((factor, at) => factorResult(factor, measured[factor]!, factorShares[at]! / 1e4)),
      }
    }),
  }
}

const factorResult = (factor: string, { measure, freshness }: Measured, contribution: number): ReferenceFactor => ({
  factor,
  status: measure === null ? 'no_data' : freshness < 1 ? 'stale' : 'measured',
  value: measure === null || measure.value === null ? null : round4(measure.value),
  points: measure === null ? null : round4(measure.points),
  weight: FACTOR_WEIGHTS[factor]!,
  freshness: measure === null ? 0 : round4(freshness),
  contribution,
})
