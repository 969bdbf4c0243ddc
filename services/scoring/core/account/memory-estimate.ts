import type { AccountState } from '../state/state.ts'
import type { Account } from './account.ts'

/** Bytes that V8 needs for an account, a counted id, a user, an interaction, an entry, a day. */
const ACCOUNT_BYTES = 3_800
const ID_BYTES = 20
const USER_BYTES = 110
const INTERACTION_BYTES = 60
const ENTRY_BYTES = 100
const DAY_BYTES = 16

/** Estimates the memory of an account between flushes. */
export const accountBytes = ({ ids, users, state }: Account): number =>
  ids.size() * ID_BYTES + countersBytes({ users, state })

/** The same without the ids of its events. */
export const countersBytes = ({ users, state }: Pick<Account, 'users' | 'state'>): number =>
  ACCOUNT_BYTES +
  users.size() * USER_BYTES +
  (state.ticketCount + state.invoiceCount + state.answererCount) * INTERACTION_BYTES +
  entries(state) * ENTRY_BYTES +
  days(state) * DAY_BYTES

/** Weighted by the objects that each entry holds. */
const entries = (state: AccountState): number =>
  state.typeCounts.size +
  state.features.size +
  2 * (state.traitOrders.size + state.journeySteps.size + state.journeyDone.size) +
  3 * (state.subscriptions.length + state.renewalTraits.length + state.journeyStarts.length) +
  20 * state.pending.length

const days = (state: AccountState): number =>
  state.activeDays.length +
  2 * (state.coreEvents.days.length + state.activeUsers.days.length + state.coreUsers.days.length) +
  state.valueAt.length
