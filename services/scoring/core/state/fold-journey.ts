import type { CountedEvent } from '../events/event.ts'
import { boundKeys, eventOrderOf, insertBounded, insertInstant } from '../events/event-order.ts'
import { countOf, namesOf, textOf, textOr } from '../events/properties.ts'
import { type AccountState, own } from './state.ts'

/** Bounds on endless names and starts: beyond them the past of a journey blurs. */
const NEWEST_STARTS = 128
const MOST_JOURNEYS = 256
const MOST_STEPS = 256

/** The journey of events without one, and of accounts that reported no start. */
export const DEFAULT_JOURNEY = 'main'

const journeyOf = (event: CountedEvent): string => textOr(event.properties, 'journeyId', DEFAULT_JOURNEY)

export const foldJourneyStart = (state: AccountState, event: CountedEvent): void => {
  const { steps, stepCount } = event.properties
  const start = {
    ...eventOrderOf(event),
    journeyId: journeyOf(event),
    steps: namesOf(steps),
    stepCount: countOf(stepCount),
  }
  insertBounded(state.journeyStarts, start, NEWEST_STARTS)
}

export const foldJourneyStep = (state: AccountState, event: CountedEvent): void => {
  const stepId = textOf(event.properties.stepId)
  if (stepId === null || event.properties.required === false) return
  const journeyId = journeyOf(event)
  let steps = state.journeySteps.get(journeyId)
  if (steps === undefined) {
    steps = new Map()
    const journeys = own(state, 'journeySteps')
    journeys.set(journeyId, steps)
    boundKeys(journeys, MOST_JOURNEYS)
  }
  insertInto(steps, stepId, event.occurredAt, MOST_STEPS)
}

export const foldJourneyDone = (state: AccountState, event: CountedEvent): void => {
  insertInto(own(state, 'journeyDone'), journeyOf(event), event.occurredAt, MOST_JOURNEYS)
}

export const foldBypass = (state: AccountState, event: CountedEvent): void => {
  insertInto(own(state, 'bypasses'), journeyOf(event), event.occurredAt, MOST_JOURNEYS)
}

export const foldValue = (state: AccountState, event: CountedEvent): void => {
  insertInstant(state.valueAt, event.occurredAt)
}

const insertInto = (lists: Map<string, number[]>, key: string, at: number, most: number): void => {
  const list = lists.get(key)
  if (list !== undefined) insertInstant(list, at)
  else {
    lists.set(key, [at])
    boundKeys(lists, most)
  }
}
