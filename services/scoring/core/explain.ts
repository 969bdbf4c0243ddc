import type { Cause, ExplanationLine } from '#libs/contracts/account-health.ts'
import type { Evaluation, FactorResult } from './evaluation.ts'

export type ExplainStep = {
  readonly cause: Cause
  readonly evaluation: Evaluation
}

const UNITS = 10_000
/** Among causes that moved the score equally, the first of these; it also names a change that moved only facts. */
const PREFERRED: readonly Cause[] = [
  'events',
  'late_data',
  'override',
  'model_change',
  'stage_change',
  'window_expiry',
  'cap',
]

/**
 * Why the score moved along a chain of evaluations, each with its own cause: a line per factor, cap and override whose contribution
 * moved. Contributions are whole units of 1e-4 and sum to the score, so the deltas sum exactly to its change (from 0 where there was none).
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

const addFactorLines = (lines: ExplanationLine[], previous: Evaluation | null, step: ExplainStep): void => {
  const { evaluation, cause } = step
  const old = previous === null ? new Map<string, FactorResult>() : null
  const groups = evaluation.groups
  const same = previous !== null && isSameShape(previous, evaluation)
  const oldByName = old ?? (same ? null : factorsByName(previous!))
  for (let g = 0; g < groups.length; g += 1) {
    const factors = groups[g]!.factors
    for (let f = 0; f < factors.length; f += 1) {
      const now = factors[f]!
      const then = oldByName === null ? previous!.groups[g]!.factors[f] : oldByName.get(now.factor)
      oldByName?.delete(now.factor)
      if (then?.contribution !== now.contribution) addFactorLine(lines, then, now, cause)
    }
  }
  // Factors that a new model no longer has.
  if (oldByName !== null) for (const gone of oldByName.values()) addFactorLine(lines, gone, undefined, cause)
}

const isSameShape = (a: Evaluation, b: Evaluation): boolean =>
  a.groups.length === b.groups.length &&
  a.groups.every(({ factors }, g) => {
    const others = b.groups[g]!.factors
    return factors.length === others.length && factors.every(({ factor }, f) => others[f]!.factor === factor)
  })

const factorsByName = (evaluation: Evaluation): Map<string, FactorResult> =>
  new Map(evaluation.groups.flatMap(({ factors }) => factors.map((factor) => [factor.factor, factor])))

const addFactorLine = (
  lines: ExplanationLine[],
  then: FactorResult | undefined,
  now: FactorResult | undefined,
  cause: Cause,
): void => {
  const delta = difference(now?.contribution ?? 0, then?.contribution ?? 0)
  if (delta === 0) return
  lines.push({
    factor: (now ?? then)!.factor,
    delta,
    pointsBefore: then?.points ?? null,
    pointsAfter: now?.points ?? null,
    before: then?.value ?? null,
    after: now?.value ?? null,
    window: (now ?? then)!.window,
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

const toUnits = (value: number): number => Math.round(value * UNITS)

const difference = (a: number, b: number): number => (toUnits(a) - toUnits(b)) / UNITS || 0

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
