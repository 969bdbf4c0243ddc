import type { CountedEvent } from '../events/event.ts'
import { compareEventOrders, eventOrderOf } from '../events/event-order.ts'
import { numberOf, positiveOf } from '../events/properties.ts'
import type { CompiledModel } from '../models/model.ts'
import { addToDay, changeDay, dropUpToDay } from './day-counts.ts'
import type { InteractionLookup, NpsAnswer } from './interactions.ts'
import type { AccountState } from './state.ts'

const DEFAULT_SCALE = 5
const SATISFIED = 0.8
export const MICRO = 1_000_000

/**
 * An answer outside 0..10 does not count. An answer without a person stands for itself. Only the
 * window before the newest answer counts.
 */
export const foldNps = (
  state: AccountState,
  event: CountedEvent,
  {
    day,
    interactions,
    model,
  }: { readonly day: number; readonly interactions: InteractionLookup; readonly model: CompiledModel },
): void => {
  const score = numberOf(event.properties.score)
  if (score === null || score < 0 || score > 10) return
  const { detractorUpTo, promoterFrom } = model.model.facts
  if (score <= detractorUpTo) state.detractorDay = Math.max(state.detractorDay, day)
  if (score >= promoterFrom) state.promoterDay = Math.max(state.promoterDay, day)
  const { windowDays } = model.nps
  if (day > state.npsDay) {
    state.npsDay = day
    dropUpToDay(state.npsAnswers, day - windowDays)
    dropUpToDay(state.npsScores, day - windowDays)
  }
  const answer = { ...eventOrderOf(event), day, score }
  if (event.userId !== null && event.userId !== '') {
    const before = interactions.get('answer', event.userId)
    if (before !== undefined && compareEventOrders(before, answer) > 0) return
    interactions.set('answer', event.userId, answer)
    if (before === undefined) state.answererCount += 1
    else count(state, before, -1, windowDays)
  }
  count(state, answer, 1, windowDays)
}

const count = (state: AccountState, { day, score }: NpsAnswer, amount: 1 | -1, windowDays: number): void => {
  if (day <= state.npsDay - windowDays) return
  changeDay(state.npsAnswers, day, amount)
  changeDay(state.npsScores, day, amount * Math.round(score * MICRO))
}

export const foldCsat = (state: AccountState, event: CountedEvent, day: number, model: CompiledModel): void => {
  const score = numberOf(event.properties.score)
  if (score === null) return
  const scale = positiveOf(event.properties.scale) ?? DEFAULT_SCALE
  const { csat } = model.keep
  addToDay(state.csatAnswers, day, 1, csat)
  if (score / scale >= SATISFIED) addToDay(state.csatSatisfied, day, 1, csat)
}
