import type { Account } from './account.ts'
import { dealingsBytesOf, encodeParted, encodeState, PARTED_LAYOUT } from './state-codec.ts'

/**
 * Where an account's dealings (tickets, invoices, answers) are more than this they lie in a row of their own, which only the
 * events that change them write: an account with 10,000 tickets pays for them when a ticket moves, not with every use.
 */
const APART_FROM_BYTES = 4_096

/** What is to be written of an account's state; `dealings` is null where they lie with the state, or are there already. */
export const encodeAccount = (account: Account): { readonly state: Buffer; readonly dealings: Buffer | null } => {
  const dealings = dealingsBytesOf(account.state)
  if (account.dealingsWritten === null && dealings.length < APART_FROM_BYTES) {
    return { state: encodeState(account.state), dealings: null }
  }
  const areThere = dealings === account.dealingsWritten
  account.dealingsWritten = dealings
  return { state: encodeParted(account.state), dealings: areThere ? null : Buffer.from(dealings, 'latin1') }
}

/** Whether stored bytes of a state need what lies apart. */
export const isParted = (state: Uint8Array): boolean => state[0] === PARTED_LAYOUT
