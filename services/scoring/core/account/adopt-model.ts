import { createInteractionPages, type InteractionPages } from '../codec/interaction-pages.ts'
import { createUserPages, type UserPages } from '../codec/user-pages.ts'
import type { ReceivedEvent } from '../events/parse-event.ts'
import { type FoldContext, foldEvent } from '../state/fold.ts'
import { type AccountState, createState } from '../state/state.ts'
import type { Account } from './account.ts'
import { finish, type LogEntry, NO_IDS, stepOf, stepsCompletedBy, timeSteps } from './apply-events.ts'
import type { ScoringContext } from './evaluate-account.ts'

/** An account's counters as another model folds its events. */
export type Refolded = {
  readonly state: AccountState
  readonly users: UserPages
  readonly interactions: InteractionPages
}

/** Counters to fold all events of an account into, from the first; every page is to be written. */
export const emptyCounters = (userBits: number, interactionBits: number): Refolded => {
  const users = createUserPages(userBits)
  const interactions = createInteractionPages(interactionBits)
  users.empty()
  interactions.empty()
  return { state: createState(), users, interactions }
}

/** Folds all events of an account anew, into as many pages as the account has. */
export const refold = (
  events: Iterable<ReceivedEvent>,
  { users, interactions }: Pick<Account, 'users' | 'interactions'>,
  context: FoldContext,
): Refolded => {
  const refolded = emptyCounters(users.bits(), interactions.bits())
  for (const event of events) foldEvent(refolded, event, context)
  return refolded
}

/** Makes one change, `model_change`. `refolded` is null where both models fold events alike. */
export const adoptModel = (
  account: Account,
  from: ScoringContext,
  context: ScoringContext,
  refolded: Refolded | null,
): LogEntry => {
  const before = account.evaluation
  const stepsCompleted = stepsCompletedBy(account, [], from)
  const steps = timeSteps(account, from)
  account.model = context.model
  if (refolded !== null) Object.assign(account, refolded)
  steps.push(stepOf(account, 'model_change', [], context))
  const noEvents = { events: [], ids: NO_IDS, backfill: false }
  return finish(account, { ...noEvents, before, steps, stepsCompleted, always: true }, context)
}
