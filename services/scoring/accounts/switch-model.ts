import type { Sql } from '#libs/postgres/database.ts'
import { type Account, exists } from '../core/account/account.ts'
import { adoptModel, type Refolded, refold } from '../core/account/adopt-model.ts'
import type { LogEntry } from '../core/account/apply-events.ts'
import type { ScoringContext } from '../core/account/evaluate-account.ts'
import type { ReceivedEvent } from '../core/events/parse-event.ts'
import type { CompiledModel } from '../core/models/model.ts'
import { traitsOf } from '../core/state/fold-traits.ts'
import { loadCountedEvents } from '../log/event-store.ts'
import type { LiveModels } from '../models/live-models.ts'

/** Accounts that another model must score, and new counters if that model counts differently. */
export type ModelSwitches = ReadonlyMap<Account, { readonly model: CompiledModel; readonly refolded: Refolded | null }>

export const NO_SWITCHES: ModelSwitches = new Map()

const isModelSwitchDue = (liveModels: LiveModels, account: Account): boolean =>
  exists(account) && liveModels.modelFor(account.tenantId, account.state.traits) !== account.model

type LoadedAccounts = {
  readonly accounts: readonly Account[]
  readonly now: number
  /** Resolves when the database has everything that the accounts have counted. */
  readonly written: Promise<void>
}

/** Reads the live models again first: by outdated models an account could switch back. */
export const findModelSwitches = async (
  sql: Sql,
  liveModels: LiveModels,
  { accounts, now, written }: LoadedAccounts,
): Promise<ModelSwitches> => {
  if (!accounts.some((account) => isModelSwitchDue(liveModels, account))) return NO_SWITCHES
  await liveModels.refresh()
  const switches = new Map<Account, { model: CompiledModel; refolded: Refolded | null }>()
  for (const account of accounts) {
    if (!isModelSwitchDue(liveModels, account)) continue
    const model = liveModels.modelFor(account.tenantId, account.state.traits)
    let refolded: Refolded | null = null
    if (model.fingerprint !== account.model.fingerprint) {
      await written
      const events = await loadCountedEvents(sql, account)
      refolded = refold(events, account, { ...liveModels.contextOf(account, now), model })
    }
    switches.set(account, { model, refolded })
  }
  return switches
}

/** Switches the account, with its evaluation, if it must. Answers the entry for its log. */
export const switchModel = (switches: ModelSwitches, account: Account, from: ScoringContext): LogEntry | null => {
  const due = switches.get(account)
  return due === undefined ? null : adoptModel(account, from, { ...from, model: due.model }, due.refolded)
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

/** New traits may ask for another model: the account is evaluated at once, and switches then. */
export const scheduleModelSwitch = (liveModels: LiveModels, account: Account, now: number): void => {
  if (isModelSwitchDue(liveModels, account)) account.evaluation = { ...account.evaluation!, nextEvaluationAt: now }
}
