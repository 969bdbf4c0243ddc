import type { Zone } from '#libs/time/time-zone.ts'
import type { Evaluation } from '../evaluation/evaluation.ts'
import type { ReceivedEvent } from '../events/parse-event.ts'
import type { CompiledModel } from '../models/model.ts'
import type { Traits } from '../models/segment.ts'
import { foldEvent } from '../state/fold.ts'
import type { Account } from './account.ts'
import { evaluateAt, type ScoringContext } from './evaluate-account.ts'
import { replay } from './replay.ts'

/** An account at the end of a local day. */
export type PastDay = { readonly at: number; readonly evaluation: Evaluation; readonly model: CompiledModel }

type AccountEvents = {
  readonly account: Account
  /** All events of the account. */
  readonly events: readonly ReceivedEvent[]
  readonly zone: Zone
  readonly modelFor: (traits: Traits) => CompiledModel
  readonly contextAt: (at: number) => ScoringContext
}

/** Days before the first change, as backfill shows them at their end; unmoved days are left out. */
export const pastDays = ({ account, events, zone, modelFor, contextAt }: AccountEvents): readonly PastDay[] => {
  const inOrder = [...events].sort((a, b) => a.occurredAt - b.occurredAt)
  const first = inOrder.find(({ backfill }) => backfill)
  if (first === undefined || account.firstChangeAt === null) return []
  const days: PastDay[] = []
  let model = modelFor({})
  let counters = replay([], { model, zone }, 0)
  let next = 0
  for (let day = zone.dayOf(first.occurredAt); day < zone.dayOf(account.firstChangeAt); day++) {
    const at = zone.startOfDay(day + 1) - 1
    for (; next < inOrder.length && inOrder[next]!.occurredAt <= at; next++)
      foldEvent(counters, inOrder[next]!, { model, zone, now: at })
    const wanted = modelFor(counters.state.traits)
    if (wanted.fingerprint !== model.fingerprint) counters = replay(inOrder, { model: wanted, zone }, at)
    model = wanted
    const stood = { ...account, state: counters.state, override: null }
    const evaluation = evaluateAt(stood, { ...contextAt(at), model }, at, null)
    if (isMoved(days.at(-1)?.evaluation, evaluation)) days.push({ at, evaluation, model })
  }
  return days
}

const isMoved = (before: Evaluation | undefined, after: Evaluation): boolean =>
  before === undefined || before.score !== after.score || before.band !== after.band || before.stage !== after.stage
