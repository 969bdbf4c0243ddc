import type { Zone } from '#libs/time/time-zone.ts'
import type { CountedEvent } from '../events/event.ts'
import { compareEventOrders, compareText, eventOrderOf } from '../events/event-order.ts'
import { BYPASS_TYPE, type Feeds, KNOWN_TYPES } from '../events/event-types.ts'
import { textOf } from '../events/properties.ts'
import type { CompiledModel } from '../models/model.ts'
import { foldActivity, foldChampion, type UserActivity } from './fold-activity.ts'
import { foldInvoice, foldPlanLimit, foldSubscription, invoiceIdOf } from './fold-commercial.ts'
import { foldBypass, foldJourneyDone, foldJourneyStart, foldJourneyStep, foldValue } from './fold-journey.ts'
import { foldCsat, foldNps } from './fold-sentiment.ts'
import { foldTicket, ticketIdOf } from './fold-support.ts'
import { foldLifecycle, foldTraits } from './fold-traits.ts'
import { type InteractionLookup, interactionKey } from './interactions.ts'
import { dropMemos, type Section } from './memo.ts'
import type { AccountState } from './state.ts'

export type Counters = {
  readonly state: AccountState
  readonly users: UserActivity
  readonly interactions: InteractionLookup
}

export type FoldContext = { readonly model: CompiledModel; readonly zone: Zone; readonly now: number }

/** Custom types counted one by one: the least by code points, whatever the order of arrival. */
const COUNTED_CUSTOM_TYPES = 32

/**
 * Counts an event not counted before. The result depends only on the set of events. A future event
 * waits in `state.pending`. Pages of `usersTouchedBy` and `interactionTouchedBy` must be loaded.
 */
export const foldEvent = (counters: Counters, event: CountedEvent, context: FoldContext): void => {
  if (event.occurredAt > context.now) insertPending(counters.state.pending, event)
  else count(counters, event, context)
}

/** Counts the pending events whose instant has come. */
export const promote = (counters: Counters, context: FoldContext): void => {
  const { pending } = counters.state
  while (pending.length > 0 && pending[0]!.occurredAt <= context.now) count(counters, pending.shift()!, context)
}

/** Users whose days folding this event reads or writes. */
export const usersTouchedBy = (event: CountedEvent): string[] => {
  const named = event.type === 'Champion Changed' ? textOf(event.properties.to) : null
  if (event.userId === null || event.userId === '') return named === null ? [] : [named]
  return named === null ? [event.userId] : [event.userId, named]
}

/** Key of the interaction that folding this event reads or writes; null: none. */
export const interactionTouchedBy = (event: CountedEvent): string | null => {
  const feeds = KNOWN_TYPES.get(event.type)
  if (feeds === 'ticket') return interactionKey('ticket', ticketIdOf(event))
  if (feeds === 'invoice') return interactionKey('invoice', invoiceIdOf(event))
  return feeds === 'nps' && event.userId !== null ? interactionKey('answer', event.userId) : null
}

/** Events that `promote` counts. */
export const eventsPending = (state: AccountState, now: number): readonly CountedEvent[] =>
  state.pending.filter((event) => event.occurredAt <= now)

const insertPending = (pending: CountedEvent[], event: CountedEvent): void => {
  const order = eventOrderOf(event)
  let index = pending.length
  while (index > 0 && compareEventOrders(eventOrderOf(pending[index - 1]!), order) > 0) index -= 1
  pending.splice(index, 0, event)
}

const count = ({ state, users, interactions }: Counters, event: CountedEvent, context: FoldContext): void => {
  const { model, zone } = context
  const rule = model.typeRule(event.type)
  const feeds = KNOWN_TYPES.get(event.type)
  const day = zone.dayOf(event.occurredAt)
  state.eventCount += 1
  countType(state.typeCounts, event.type, feeds !== undefined)
  if (event.type !== BYPASS_TYPE && (state.firstEventAt === null || event.occurredAt < state.firstEventAt)) {
    state.firstEventAt = event.occurredAt
    dropMemos(state.memo, 'firstEvent')
  }
  if (rule.activity) foldActivity(state, users, event, { day, rule, model })
  if (rule.firstValue) {
    foldValue(state, event)
    dropMemos(state.memo, 'journey')
  }
  if (feeds === undefined || feeds === 'nothing') return
  const { fold, touches } = FOLDS[feeds]
  fold(state, event, { day, users, interactions, model, zone })
  if (touches !== null) dropMemos(state.memo, touches)
}

type FoldSection = {
  readonly day: number
  readonly users: UserActivity
  readonly interactions: InteractionLookup
  readonly model: CompiledModel
  readonly zone: Zone
}

type Fold = {
  readonly fold: (state: AccountState, event: CountedEvent, context: FoldSection) => void
  /** The section whose memos are dropped; null: no memo rests on it. */
  readonly touches: Section | null
}

/** What events of known types feed besides activity. */
const FOLDS: Readonly<Record<Exclude<Feeds, 'nothing'>, Fold>> = {
  traits: {
    touches: 'traits',
    fold: (state, event, { zone }) => {
      if (foldTraits(state, event, zone)) dropMemos(state.memo, 'renewalTraits')
    },
  },
  lifecycle: { touches: 'journey', fold: foldLifecycle },
  journey_start: { touches: 'journey', fold: foldJourneyStart },
  journey_step: { touches: 'journey', fold: foldJourneyStep },
  journey_done: { touches: 'journey', fold: foldJourneyDone },
  journey_bypass: { touches: 'journey', fold: foldBypass },
  ticket: { touches: 'interactions', fold: foldTicket },
  nps: { touches: 'interactions', fold: foldNps },
  csat: { touches: 'interactions', fold: (state, event, { day, model }) => foldCsat(state, event, day, model) },
  subscription: { touches: 'subscriptions', fold: (state, event, { zone }) => foldSubscription(state, event, zone) },
  invoice: { touches: 'interactions', fold: foldInvoice },
  plan_limit: { touches: 'interactions', fold: foldPlanLimit },
  touch: {
    touches: 'interactions',
    fold: (state, event, { day, model }) => {
      const kind = textOf(event.properties.kind)
      if (kind !== null && model.contactKinds.has(kind)) state.contactDay = Math.max(state.contactDay, day)
    },
  },
  champion: { touches: null, fold: (state, event, { users }) => foldChampion(state, users, event) },
  advocacy: {
    touches: 'interactions',
    fold: (state, _event, { day }) => {
      state.advocacyDay = Math.max(state.advocacyDay, day)
    },
  },
}

const countType = (counts: Map<string, number>, type: string, known: boolean): void => {
  const before = counts.get(type)
  if (before !== undefined) {
    counts.set(type, before + 1)
    return
  }
  counts.set(type, 1)
  if (known) return
  const custom = [...counts.keys()].filter((name) => name !== '' && !KNOWN_TYPES.has(name))
  if (custom.length <= COUNTED_CUSTOM_TYPES) return
  const greatest = custom.reduce((a, b) => (compareText(a, b) > 0 ? a : b))
  counts.set('', (counts.get('') ?? 0) + counts.get(greatest)!)
  counts.delete(greatest)
}
