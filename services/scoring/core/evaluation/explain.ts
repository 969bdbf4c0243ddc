import type { Cause, ExplanationLine } from '#libs/contracts/account-health.ts'
import { toUnits, UNITS_PER_POINT } from '../largest-remainder.ts'
import type { CompiledModel } from '../models/model.ts'
import type { Evaluation } from './evaluation.ts'
import { type Measured, published, windowOf } from './measurements.ts'

export type ExplainStep = {
  readonly cause: Cause
  readonly evaluation: Evaluation
}

/** The first wins among causes that moved the score equally, and where only facts changed. */
const PREFERRED: readonly Cause[] = [
  'events',
  'late_data',
  'override',
  'model_change',
  'stage_change',
  'window_expiry',
  'erasure',
  'cap',
]

/**
 * Explains a chain of evaluations, each with its cause: a line per moved factor, cap and override.
 * Contributions are whole units of 1e-4 that sum to the score, so the deltas sum to its change.
 */
export const explain = (
  before: Evaluation | null,
  steps: readonly ExplainStep[],
): { readonly lines: ExplanationLine[]; readonly cause: Cause } => {
  const lines: ExplanationLine[] = []
  let previous = before
  for (const step of steps) {
    addFactorLines(lines, previous, step)
    addCapLines(lines, previous, step)
    addOverrideLine(lines, previous, step)
    previous = step.evaluation
  }
  return { lines, cause: mainCause(lines, steps) }
}

const addFactorLines = (
  lines: ExplanationLine[],
  previous: Evaluation | null,
  { evaluation, cause }: ExplainStep,
): void => {
  const now = evaluation.measured
  const then = previous?.measured
  const { factors } = now.model
  // The same factors stand in the same places, unless the model is another.
  const places = then === undefined || then.model.factors === factors ? null : placesByName(then.model.factors)
  for (let index = 0; index < factors.length; index += 1) {
    const before = places === null ? index : places.get(factors[index]!.name)
    places?.delete(factors[index]!.name)
    if (then === undefined || before === undefined) addFactorLine(lines, null, { of: now, index }, cause)
    else if (then.factorUnits[before] !== now.factorUnits[index]) {
      addFactorLine(lines, { of: then, index: before }, { of: now, index }, cause)
    }
  }
  // Factors that a new model no longer has.
  if (places !== null) for (const index of places.values()) addFactorLine(lines, { of: then!, index }, null, cause)
}

const placesByName = (factors: CompiledModel['factors']): Map<string, number> =>
  new Map(factors.map(({ name }, index) => [name, index]))

type Place = { readonly of: Measured; readonly index: number }

const addFactorLine = (lines: ExplanationLine[], then: Place | null, now: Place | null, cause: Cause): void => {
  const units =
    (now === null ? 0 : now.of.factorUnits[now.index]!) - (then === null ? 0 : then.of.factorUnits[then.index]!)
  if (units === 0) return
  const { of, index } = (now ?? then)!
  const factor = of.model.factors[index]!
  const before = then?.of.factors[then.index]
  const after = now?.of.factors[now.index]
  lines.push({
    factor: factor.name,
    delta: units / UNITS_PER_POINT,
    pointsBefore: published(before?.points ?? null),
    pointsAfter: published(after?.points ?? null),
    before: published(before?.value ?? null),
    after: published(after?.value ?? null),
    window: windowOf(factor, of.day),
    cause,
  })
}

const addCapLines = (lines: ExplanationLine[], previous: Evaluation | null, { evaluation }: ExplainStep): void => {
  const names = new Set([...(previous?.caps ?? []), ...evaluation.caps].map(({ cap }) => cap))
  for (const name of names) {
    const then = previous?.caps.find(({ cap }) => cap === name)
    const now = evaluation.caps.find(({ cap }) => cap === name)
    const delta = difference(now?.delta ?? 0, then?.delta ?? 0)
    if (delta !== 0) lines.push(plainLine(`cap.${name}`, delta, then?.limit ?? null, now?.limit ?? null, 'cap'))
  }
}

const addOverrideLine = (lines: ExplanationLine[], previous: Evaluation | null, { evaluation }: ExplainStep): void => {
  const delta = difference(overridden(evaluation), previous === null ? 0 : overridden(previous))
  if (delta === 0) return
  const then = previous?.override?.score ?? null
  lines.push(plainLine('override', delta, then, evaluation.override?.score ?? null, 'override'))
}

/** Points an override adds to the computed score. */
const overridden = ({ override, score, computedScore }: Evaluation): number =>
  override === null ? 0 : difference(score ?? 0, computedScore ?? 0)

const plainLine = (
  factor: string,
  delta: number,
  before: number | null,
  after: number | null,
  cause: Cause,
): ExplanationLine => ({ factor, delta, pointsBefore: null, pointsAfter: null, before, after, window: null, cause })

const difference = (a: number, b: number): number => (toUnits(a) - toUnits(b)) / UNITS_PER_POINT || 0

/** The cause whose lines together moved the score most. */
const mainCause = (lines: readonly ExplanationLine[], steps: readonly ExplainStep[]): Cause => {
  const moved = new Map<Cause, number>(steps.map(({ cause }) => [cause, 0]))
  for (const { cause, delta } of lines) moved.set(cause, (moved.get(cause) ?? 0) + toUnits(delta))
  let main: Cause | undefined
  for (const cause of PREFERRED) {
    const units = moved.get(cause)
    if (units !== undefined && (main === undefined || Math.abs(units) > Math.abs(moved.get(main)!))) main = cause
  }
  return main ?? 'events'
}
