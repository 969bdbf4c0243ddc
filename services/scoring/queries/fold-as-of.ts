import type { AccountKey } from '#libs/contracts/topics.ts'
import type { Sql } from '#libs/postgres/database.ts'
import { RequestError } from '#libs/runtime/errors.ts'
import { createTimeSlices } from '#libs/runtime/time-slices.ts'
import type { Zone } from '#libs/time/time-zone.ts'
import { createCounters } from '../core/account/replay.ts'
import type { CompiledModel } from '../core/models/model.ts'
import type { Traits } from '../core/models/segment.ts'
import { type Counters, type FoldContext, foldEvent, promote } from '../core/state/fold.ts'
import type { AccountState } from '../core/state/state.ts'
import { ALL_EVENTS, readEvents } from '../log/event-store.ts'
import type { CountedBy, FindBeginning } from './find-beginning.ts'

type FoldLog = {
  readonly sql: Sql
  readonly key: AccountKey
  readonly zone: Zone
  readonly findBeginning: FindBeginning
  /** Called before each event; throws to end the fold. */
  readonly onEvent: () => void
}

type FoldAsOf = Omit<FoldLog, 'onEvent'> & {
  /** A model to try first: mostly the one that the traits ask for in the end. */
  readonly likely: CompiledModel
  readonly modelFor: (traits: Traits) => CompiledModel
  /** Throws 409 where more lead to the view. */
  readonly maxEvents: number
}

export type StateAsOf = { readonly at: number; readonly state: AccountState; readonly model: CompiledModel }

type Fold = { readonly at: number; readonly model: CompiledModel; readonly counters: Counters }
/** Entries of versions up to `begunAt` are counted. */
type Begun = Fold & { readonly begunAt: number }

/**
 * The account as of each instant: all its events with `occurredAt <= at`, whenever they came. The
 * log is read once for all instants, and once more where traits asked for another model.
 */
export const foldAsOf = async (asked: FoldAsOf, instants: readonly number[]): Promise<readonly StateAsOf[]> => {
  const { likely, modelFor, maxEvents } = asked
  let read = 0
  const onEvent = (): void => {
    if (++read > maxEvents)
      throw new RequestError(409, 'too_many_events', `More than ${maxEvents} events lead to this view`)
  }
  const likelyFolds = await foldLog(
    { ...asked, onEvent },
    instants.map((at) => ({ at, model: likely })),
  )
  // Every model counts traits alike.
  const wanted = likelyFolds.map(({ at, counters }) => ({ at, model: modelFor(counters.state.traits) }))
  const other = wanted.filter(({ model }) => model.fingerprint !== likely.fingerprint)
  const otherFolds = other.length === 0 ? [] : await foldLog({ ...asked, onEvent }, other)
  return wanted.map(({ at, model }, i) => {
    const { counters } = otherFolds.find((one) => one.at === at) ?? likelyFolds[i]!
    return { at, model, state: counters.state }
  })
}

/** The account by each model, as of each instant: all events that happened by then. */
export const foldLog = async (
  { sql, key, zone, findBeginning, onEvent }: FoldLog,
  wanted: readonly { readonly at: number; readonly model: CompiledModel }[],
): Promise<readonly Fold[]> => {
  const folds: Begun[] = []
  for (const { at, model } of wanted) folds.push(begin({ at, model, zone }, await findBeginning(at, model)))
  const slices = createTimeSlices()
  const occurredBy = Math.max(...folds.map(({ at }) => at))
  const sinceVersion = Math.min(...folds.map(({ begunAt }) => begunAt))
  for await (const { version, event } of readEvents(sql, key, { ...ALL_EVENTS, sinceVersion, occurredBy }, slices)) {
    onEvent()
    for (const { at, model, counters, begunAt } of folds)
      if (version > begunAt && event.occurredAt <= at) foldEvent(counters, event, { model, zone, now: at })
  }
  return folds
}

const begin = (
  { at, model, zone }: Omit<FoldContext, 'now'> & { readonly at: number },
  from: CountedBy | undefined,
): Begun => {
  if (from === undefined) return { at, model, counters: createCounters(), begunAt: 0 }
  // Events that waited for their instant: none of them is later than `at`.
  promote(from.counters, { model, zone, now: at })
  return { at, model, counters: from.counters, begunAt: from.version }
}
