import { isDeleted, renewalOf, subscriptionsOf } from './contracts.ts'
import { runsOf } from './journeys.ts'
import { firstEvent, type Past, pastAt, type ReferenceEvent } from './past.ts'
import { type Column, GROUPS, type Group, STAGE_WEIGHTS } from './reference-model.ts'

export type Stage = Column | 'churned'
export type Span = { readonly stage: Stage; readonly from: number }

const BLEND_DAYS = 14

const renewalWindow = (termMonths: number | null): number => (termMonths !== null && termMonths <= 1 ? 30 : 90)

export const stageOf = (past: Past): Stage => {
  const subscriptions = subscriptionsOf(past)
  const allCanceled = subscriptions.length > 0 && subscriptions.every(({ status }) => status === 'canceled')
  if (allCanceled || isDeleted(past)) return 'churned'
  if (firstEvent(past) === null || runsOf(past).some((run) => run.open)) return 'onboarding'
  const renewal = renewalOf(past)
  if (renewal.day !== null && renewal.day - past.today <= renewalWindow(renewal.termMonths)) return 'renewal'
  return 'adoption'
}

/** Instants at which the stage could change with no further event, seen from one past. */
const instantsAhead = (past: Past): readonly number[] => {
  const ends = runsOf(past).flatMap((run) => (run.endAt === null ? [] : [run.endAt]))
  const renewal = renewalOf(past)
  if (renewal.day === null) return ends
  return [...ends, past.calendar.startOfDay(renewal.day - 90), past.calendar.startOfDay(renewal.day - 30)]
}

/** The stage of the view as of every instant from the first event on, as spans. */
export const spansOf = (now: Past): readonly Span[] => {
  const first = firstEvent(now)
  if (first === null) return []
  const pastOf = (at: number): Past => pastAt(now.events, at, now)
  const eventInstants = [...new Set(now.events.map((event: ReferenceEvent) => event.occurredAt))]
  const candidates = [...new Set([...eventInstants, ...eventInstants.flatMap((at) => instantsAhead(pastOf(at)))])]
    .filter((at) => at >= first.occurredAt && at <= now.at)
    .sort((a, b) => a - b)
  const spans: Span[] = []
  for (const from of candidates) {
    const stage = stageOf(pastOf(from))
    if (spans.at(-1)?.stage !== stage) spans.push({ stage, from })
  }
  return spans
}

/** Churned keeps the weights of the stage it left, onboarding if none. */
const columnOf = (spans: readonly Span[], index: number): Column => {
  const before = spans.slice(0, index + 1).findLast(({ stage }) => stage !== 'churned')
  return before && before.stage !== 'churned' ? before.stage : 'onboarding'
}

export const stageWeights = (past: Past, spans: readonly Span[]): Readonly<Record<Group, number>> => {
  const last = spans.length - 1
  const entered = STAGE_WEIGHTS[columnOf(spans, last)]
  if (spans.length < 2) return entered
  const left = STAGE_WEIGHTS[columnOf(spans, last - 1)]
  const share = Math.min(1, (past.today - past.calendar.dayOf(spans[last]!.from)) / BLEND_DAYS)
  const blended = GROUPS.map((group) => [group, left[group] * (1 - share) + entered[group] * share])
  return Object.fromEntries(blended) as Record<Group, number>
}
