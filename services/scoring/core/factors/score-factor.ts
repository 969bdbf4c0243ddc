import type { Curve, FactorModel } from '#libs/contracts/health-model.ts'
import type { AccountView } from '../journey/account-view.ts'
import { type Factor, NEVER } from './factor.ts'

/** `points` null: no data. */
export type Measurement = {
  readonly value: number | null
  readonly points: number | null
  /** 0..1; 0 without data. */
  readonly freshness: number
}

export const NO_DATA: Measurement = { value: null, points: null, freshness: 0 }

/** The one place where a value becomes points: by curve or steps, unless a situation holds. */
export const scoreFactor = (factor: Factor, view: AccountView, row: FactorModel): Measurement => {
  const value = factor.value(view, row)
  const situation = factor.situation?.(view, row) ?? null
  if (situation === null && value === null) return NO_DATA
  const freshness = factor.freshness === undefined ? 1 : factor.freshness(view, row)
  return { value, points: pointsOf(factor, row as CheckedRow, situation, value ?? 0), freshness }
}

/** A row has what its factor needs; nothing else of the row is read. */
type CheckedRow = Steps & { readonly curve: Curve; readonly points: Readonly<Record<string, number>> }

const pointsOf = (factor: Factor, row: CheckedRow, situation: string | null, value: number): number => {
  if (situation === null) return isCurved(factor) ? pointsAt(row.curve, value) : pointsOfStep(row, value)
  return situation === 'beyond' ? row.beyond : row.points[situation]!
}

const isCurved = ({ needs }: Factor): boolean => needs.includes('curve')

/** Local days until time alone can change the measurement; Infinity: never. */
export const factorChangesIn = (factor: Factor, view: AccountView, row: FactorModel, found: Measurement): number => {
  if (found.points === null) return factor.dataIn?.(view, row) ?? NEVER
  if (factor.changesIn !== 'ages') return factor.changesIn(view, row, found.value ?? 0)
  if (found.value === null) return NEVER
  const { curve, upTo, beyond } = row as CheckedRow
  return isCurved(factor) ? daysToMove(curve, found.value) : daysToNextStep({ upTo, beyond }, found.value)
}

/** Between two anchors the points lie on the line; outside they are the nearest anchor's. */
export const pointsAt = (curve: Curve, value: number): number => {
  const first = curve[0]!
  if (value <= first[0]) return first[1]
  for (let index = 1; index < curve.length; index += 1) {
    const [x1, y1] = curve[index]!
    if (value <= x1) {
      const [x0, y0] = curve[index - 1]!
      return value === x1 ? y1 : y0 + ((y1 - y0) * (value - x0)) / (x1 - x0)
    }
  }
  return curve[curve.length - 1]![1]
}

/** For a value that grows by one a day: days until the points differ; Infinity: never. */
export const daysToMove = (curve: Curve, value: number): number => {
  const points = pointsAt(curve, value)
  if (pointsAt(curve, value + 1) !== points) return 1
  for (const [anchor] of curve) {
    const days = Math.floor(anchor - value) + 1
    if (days > 1 && pointsAt(curve, value + days) !== points) return days
  }
  return NEVER
}

/** Points of the first limit that the value does not pass, else `beyond`. Limits ascend. */
export type Steps = { readonly upTo: Curve; readonly beyond: number }

export const pointsOfStep = (steps: Steps, value: number): number => {
  for (const [limit, points] of steps.upTo) if (value <= limit) return points
  return steps.beyond
}

/** As `daysToMove`, for steps. */
export const daysToNextStep = (steps: Steps, value: number): number => {
  for (const [limit] of steps.upTo) if (value <= limit) return Math.floor(limit - value) + 1
  return NEVER
}
