import type { CountedEvent } from './event.ts'
import { countOf, namesOf, textOf, textOr } from './properties.ts'
import { insertByStamp, insertInstant, stampOf } from './stamp.ts'
import type { AccountState } from './state.ts'

/** The journey of events that name none, and of accounts that never said where onboarding starts. */
export const DEFAULT_JOURNEY = 'main'

const journeyOf = (event: CountedEvent): string => textOr(event.properties, 'journeyId', DEFAULT_JOURNEY)

export const foldJourneyStart = (state: AccountState, event: CountedEvent): void => {
  const { steps, stepCount } = event.properties
  const start = { ...stampOf(event), journeyId: journeyOf(event), steps: namesOf(steps), stepCount: countOf(stepCount) }
  insertByStamp(state.journeyStarts, start)
  state.memo.timeline = undefined
}

export const foldJourneyStep = (state: AccountState, event: CountedEvent): void => {
  const stepId = textOf(event.properties.stepId)
  if (stepId === null || event.properties.required === false) return
  const journeyId = journeyOf(event)
  let steps = state.journeySteps.get(journeyId)
  if (steps === undefined) {
    steps = new Map()
    state.journeySteps.set(journeyId, steps)
  }
  insertInto(steps, stepId, event.occurredAt)
  state.memo.timeline = undefined
}

export const foldJourneyDone = (state: AccountState, event: CountedEvent): void => {
  insertInto(state.journeyDone, journeyOf(event), event.occurredAt)
  state.memo.timeline = undefined
}

export const foldBypass = (state: AccountState, event: CountedEvent): void => {
  insertInto(state.bypasses, journeyOf(event), event.occurredAt)
  state.memo.timeline = undefined
}

export const foldValue = (state: AccountState, event: CountedEvent): void => {
  insertInstant(state.valueAt, event.occurredAt)
  state.memo.timeline = undefined
}

const insertInto = (lists: Map<string, number[]>, key: string, at: number): void => {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [at])
  else insertInstant(list, at)
}
