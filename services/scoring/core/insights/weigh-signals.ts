import { round4, shareUnits, toUnits, UNITS_PER_POINT } from '../largest-remainder.ts'

/** How strongly one signal speaks for the answer, 0..100; null: unknown. */
export type Signal = {
  readonly signal: string
  readonly value: number | boolean | null
  readonly points: number | null
  readonly weight: number
}

export type Reason = Signal & {
  readonly speaks: 'for' | 'against' | 'unknown'
  /** Part of the answer's score; the parts sum to the score before a limit. */
  readonly contribution: number
  /** A limit alone `blocks` the answer, or raises it to at least that score. */
  readonly limit: 'blocks' | number | null
}

export type WeightedSignals = { readonly score: number | null; readonly reasons: readonly Reason[] }

/** From these points on a signal speaks for the answer; below them, against it. */
const MIDDLE = 50

/** Weighted mean over the known signals; null when no signal is known. */
export const weighSignals = (signals: readonly Signal[]): WeightedSignals => {
  const known = signals.filter((signal) => signal.points !== null && signal.weight > 0)
  const total = known.reduce((sum, { weight }) => sum + weight, 0)
  const parts = signals.map((signal) => (known.includes(signal) ? (signal.points! * signal.weight) / total : 0))
  const units = toUnits(parts.reduce((sum, part) => sum + part, 0))
  const shares = shareUnits(parts, units)
  return {
    score: known.length === 0 ? null : units / UNITS_PER_POINT,
    reasons: signals.map((signal, i) => ({
      ...signal,
      points: signal.points === null ? null : round4(signal.points),
      speaks: speaksOf(signal),
      contribution: shares[i]! / UNITS_PER_POINT,
      limit: null,
    })),
  }
}

const speaksOf = ({ points }: Signal): Reason['speaks'] => {
  if (points === null) return 'unknown'
  return points >= MIDDLE ? 'for' : 'against'
}

/** A reason outside the mean. */
export const limiting = (
  signal: string,
  value: number | boolean,
  speaks: 'for' | 'against',
  limit: 'blocks' | number,
): Reason => ({ signal, value, points: null, weight: 0, speaks, contribution: 0, limit })
