import type { Database } from '#libs/postgres/database.ts'
import { type Account, exists } from '../core/account/account.ts'
import { adoptModel, type Refolded, refold } from '../core/account/adopt-model.ts'
import type { LogEntry } from '../core/account/apply-events.ts'
import type { ReceivedEvent } from '../core/events/parse-event.ts'
import type { CompiledModel } from '../core/models/model.ts'
import { traitsOf } from '../core/state/fold-traits.ts'
import { loadCountedEvents } from '../log/event-store.ts'
import type { LiveModels } from '../models/live-models.ts'
import { restoreEvaluation } from './load-accounts.ts'

/** Accounts that another model is to score from now on. */
export type Moves = ReadonlyMap<Account, { readonly model: CompiledModel; readonly refolded: Refolded | null }>

const NO_MOVES: Moves = new Map()

/** Whether the live models score the account otherwise than it was scored last. */
const isModelSwitchDue = (liveModels: LiveModels, account: Account): boolean =>
  exists(account) && liveModels.modelFor(account.tenantId, account.state.traits) !== account.model

type AccountEvents = {
  readonly accounts: readonly Account[]
  readonly now: number
  /** Resolves when the database has all that the accounts have counted. */
  readonly written: Promise<void>
}

/**
 * Finds the accounts that must move, and folds their events anew where the model they move to counts otherwise. Memory may be a
 * second behind, so the live models are read again first: no account ever moves back.
 */
export const findMoves = async (
  { database, liveModels }: { readonly database: Database; readonly liveModels: LiveModels },
  { accounts, now, written }: AccountEvents,
): Promise<Moves> => {
  if (!accounts.some((account) => isModelSwitchDue(liveModels, account))) return NO_MOVES
  await liveModels.refresh()
  const moves = new Map<Account, { model: CompiledModel; refolded: Refolded | null }>()
  for (const account of accounts) {
    if (!isModelSwitchDue(liveModels, account)) continue
    const model = liveModels.modelFor(account.tenantId, account.state.traits)
    let refolded: Refolded | null = null
    if (model.fingerprint !== account.model.fingerprint) {
      await written
      const events = await loadCountedEvents(database, account)
      refolded = refold(events, account, { ...liveModels.contextOf(account, now), model })
    }
    moves.set(account, { model, refolded })
  }
  return moves
}

/** Moves the account if it must; answers the change that this is. */
export const moveAccount = (liveModels: LiveModels, moves: Moves, account: Account, now: number): LogEntry | null => {
  const move = moves.get(account)
  if (move === undefined) return null
  const from = liveModels.contextOf(account, now)
  restoreEvaluation(account, from)
  return adoptModel(account, from, { ...from, model: move.model }, move.refolded)
}

/** A new account is scored from the start by the model that its first traits ask for. */
export const placeNewAccount = (
  liveModels: LiveModels,
  account: Account,
  events: readonly ReceivedEvent[],
  now: number,
): void => {
  const { segments } = liveModels.liveOf(account.tenantId)
  account.model = liveModels.modelFor(
    account.tenantId,
    segments.length === 0 ? {} : traitsOf(events, liveModels.zone, now),
  )
}

/** Where an evaluated account's new traits ask for another model, the timer has it looked at again at once, and it moves then. */
export const scheduleModelSwitch = (liveModels: LiveModels, account: Account, now: number): void => {
  if (isModelSwitchDue(liveModels, account)) account.evaluation = { ...account.evaluation!, nextEvaluationAt: now }
}
