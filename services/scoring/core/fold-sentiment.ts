import { addToDay } from './day-counts.ts'
import type { CountedEvent } from './event.ts'
import type { CompiledModel } from './model.ts'
import { numberOf, positiveOf } from './properties.ts'
import { compareStamps, stampOf } from './stamp.ts'
import { type AccountState, own } from './state.ts'

const DEFAULT_SCALE = 5
const SATISFIED = 0.8

/** An answer outside 0..10 is no answer. Answers out of every window are dropped, counted from the newest answer. */
export const foldNps = (state: AccountState, event: CountedEvent, day: number, model: CompiledModel): void => {
  const score = numberOf(event.properties.score)
  if (score === null || score < 0 || score > 10) return
  const { detractorUpTo, promoterFrom } = model.model.facts
  if (score <= detractorUpTo) state.detractorDay = Math.max(state.detractorDay, day)
  if (score >= promoterFrom) state.promoterDay = Math.max(state.promoterDay, day)
  state.memo.nps = undefined
  const { windowDays } = model.nps
  if (day <= state.npsDay - windowDays) return
  const answer = { ...stampOf(event), day, score }
  const key = event.userId ? `u${event.userId}` : `e${event.source.length}:${event.source}${event.id}`
  const before = state.nps.get(key)
  if (before === undefined || compareStamps(before, answer) < 0) own(state, 'nps').set(key, answer)
  if (day <= state.npsDay) return
  state.npsDay = day
  for (const [other, { day: answered }] of state.nps) if (answered <= day - windowDays) own(state, 'nps').delete(other)
}

export const foldCsat = (state: AccountState, event: CountedEvent, day: number, model: CompiledModel): void => {
  const score = numberOf(event.properties.score)
  if (score === null) return
  const scale = positiveOf(event.properties.scale) ?? DEFAULT_SCALE
  const { csat } = model.keep
  addToDay(state.csatAnswers, day, 1, csat)
  if (score / scale >= SATISFIED) addToDay(state.csatSatisfied, day, 1, csat)
}
