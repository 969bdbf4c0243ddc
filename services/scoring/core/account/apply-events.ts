import type { Cause } from '#libs/contracts/account-health.ts'
import { nextSequence } from '#libs/contracts/sequence.ts'
import type { Evaluation } from '../evaluation/evaluation.ts'
import { explain } from '../evaluation/explain.ts'
import { deduplicate } from '../events/deduplicate.ts'
import type { CountedEvent } from '../events/event.ts'
import type { ReceivedEvent } from '../events/parse-event.ts'
import { completedSteps, type StepRef } from '../journey/journey.ts'
import { foldEvent, promote } from '../state/fold.ts'
import type { Account } from './account.ts'
import { evaluateAt, type ScoringContext } from './evaluate-account.ts'

/** A row of the log: events counted together. `change` is null where nothing published moved. */
export type LogEntry = {
  readonly version: number
  readonly events: readonly ReceivedEvent[]
  readonly ids: Buffer
  readonly evaluation: Evaluation
  readonly change: Change | null
}

export type Change = {
  readonly sequence: number
  readonly before: Evaluation | null
  readonly after: Evaluation
  readonly cause: Cause
  readonly explanation: ReturnType<typeof explain>['lines']
  /** Ids of some of the events behind each cause. */
  readonly evidence: Readonly<Partial<Record<Cause, readonly string[]>>>
  readonly stepsCompleted: readonly StepRef[]
  /** Only backfilled events led here. */
  readonly backfill: boolean
}

export type Applied = { readonly entries: readonly LogEntry[]; readonly duplicates: number }

const MAX_EVIDENCE = 5
/**
 * Counts events into an account and evaluates it; `evaluate` asks for that even without events.
 * Backfilled events make a change of their own, before the live ones: nothing is sent for it.
 * The account changes at once, so the caller must write the answer. Touched pages must be loaded.
 */
export const applyEvents = (
  account: Account,
  events: readonly ReceivedEvent[],
  evaluate: boolean,
  context: ScoringContext,
): Applied => {
  const { fresh, ids } = deduplicate(account, events)
  const duplicates = events.length - fresh.length
  const past = fresh.filter((event) => event.backfill)
  if (past.length === 0) {
    if (fresh.length === 0 && !(evaluate && isDue(account, context))) return { entries: [], duplicates }
    return { entries: [applyTogether(account, fresh, ids, false, context)], duplicates }
  }
  const live = fresh.filter((event) => !event.backfill)
  const entries: LogEntry[] = []
  // Backfilled events are no cause of what time moved.
  if (isDue(account, context)) entries.push(applyTogether(account, [], NO_IDS, false, context))
  entries.push(applyTogether(account, past, ids, true, context))
  if (live.length > 0) entries.push(applyTogether(account, live, NO_IDS, false, context))
  return { entries, duplicates }
}

/** A change without events: an override set or removed. */
export const applyCause = (account: Account, cause: Cause, context: ScoringContext): LogEntry => {
  const before = account.evaluation
  const stepsCompleted = stepsCompletedBy(account, [], context)
  const steps = timeSteps(account, context)
  steps.push(stepOf(account, cause, [], context))
  return finish(account, { events: [], ids: NO_IDS, before, steps, backfill: false, stepsCompleted }, context)
}

export const NO_IDS = Buffer.alloc(0)

/** Time alone moved the account, or a source became inactive or active since its evaluation. */
const isDue = ({ evaluation }: Account, { now, sources }: ScoringContext): boolean => {
  if (evaluation === null) return false
  const next = evaluation.nextEvaluationAt
  return (next !== null && next <= now) || sources.changedAt(now) > evaluation.at
}

type Step = { readonly cause: Cause; readonly evaluation: Evaluation; readonly evidence: readonly string[] }

const applyTogether = (
  account: Account,
  events: readonly ReceivedEvent[],
  ids: Buffer,
  backfill: boolean,
  context: ScoringContext,
): LogEntry => {
  const before = account.evaluation
  const stepsCompleted = stepsCompletedBy(account, events, context)
  const steps = timeSteps(account, context)
  const today = context.zone.dayOf(context.now)
  const late = events.filter((event) => context.zone.dayOf(event.occurredAt) < today)
  const current = late.length === 0 ? events : events.filter((event) => context.zone.dayOf(event.occurredAt) >= today)
  if (late.length > 0) steps.push(stepOf(account, 'late_data', late, context))
  if (current.length > 0) steps.push(stepOf(account, 'events', current, context))
  return finish(account, { events, ids, before, steps, backfill, stepsCompleted }, context)
}

/** Onboarding steps that these events or due pending ones complete. Call before `timeSteps`. */
export const stepsCompletedBy = (
  account: Account,
  events: readonly CountedEvent[],
  context: ScoringContext,
): readonly StepRef[] => {
  const { state } = account
  const waited = isDue(account, context) ? state.pending.filter(({ occurredAt }) => occurredAt <= context.now) : []
  return completedSteps(state, waited.length === 0 ? events : [...waited, ...events], context)
}

/** Changes by time alone come first, so that events are never blamed for them. */
export const timeSteps = (account: Account, context: ScoringContext): Step[] => {
  if (!isDue(account, context)) return []
  const before = account.evaluation
  promote(account, context)
  const step = stepOf(account, 'window_expiry', [], context)
  if (step.evaluation.stage !== before?.stage) return [{ ...step, cause: 'stage_change' }]
  return [before.override !== null && step.evaluation.override === null ? { ...step, cause: 'override' } : step]
}

export const stepOf = (
  account: Account,
  cause: Cause,
  events: readonly ReceivedEvent[],
  context: ScoringContext,
): Step => {
  for (const event of events) foldEvent(account, event, context)
  const evaluation = evaluateAt(account, context, context.now, account.evaluation)
  account.evaluation = evaluation
  return { cause, evaluation, evidence: events.slice(-MAX_EVIDENCE).map((event) => event.id) }
}

type Together = {
  readonly events: readonly ReceivedEvent[]
  readonly ids: Buffer
  readonly before: Evaluation | null
  readonly steps: readonly Step[]
  readonly backfill: boolean
  readonly stepsCompleted: readonly StepRef[]
  /** Publishes an unmoved evaluation too: of another model, or after an erasure (fewer traits). */
  readonly always?: boolean
}

export const finish = (account: Account, together: Together, context: ScoringContext): LogEntry => {
  const { events, ids, before, steps, backfill, stepsCompleted } = together
  const after = account.evaluation!
  const { lines, cause } = explain(before, steps)
  account.version++
  const entry = { version: account.version, events, ids, evaluation: after }
  const isSilent = lines.length === 0 && stepsCompleted.length === 0 && together.always !== true
  if (isSilent && before !== null && !hasMoved(before, after)) {
    return { ...entry, change: null }
  }
  account.sequence = nextSequence(account.sequence, context.sequenceFloor ?? 0)
  account.firstChangeAt ??= after.at
  for (const past of [account.past.days7, account.past.days28]) if (past && past.nextAt === null) past.nextAt = after.at
  const evidence = Object.fromEntries(
    steps.flatMap((step) => (step.evidence.length > 0 ? [[step.cause, step.evidence]] : [])),
  )
  const { sequence } = account
  return {
    ...entry,
    change: { sequence, before, after, cause, explanation: lines, evidence, stepsCompleted, backfill },
  }
}

/** Whether score, band, stage, confidence or a fact differs. */
const hasMoved = (before: Evaluation, after: Evaluation): boolean => {
  if (before.score !== after.score || before.computedScore !== after.computedScore) return true
  const [old, now] = [before.facts, after.facts] as unknown as Record<string, unknown>[]
  for (const name in now) {
    if (typeof now[name] !== 'object' && now![name] !== old![name]) return true
    if ((now[name] === null) !== (old![name] === null)) return true
  }
  return false
}
