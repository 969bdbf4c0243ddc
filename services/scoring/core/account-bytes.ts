import type { Account } from './account.ts'
import { encodeParted, encodeState, PARTED_LAYOUT, rareBytesOf } from './state-codec.ts'

/**
 * Where more than this of the state rarely changes (tickets, invoices, answers), it lies in a row of its own, which only the
 * events that change it write: an account with 10,000 tickets pays for them when a ticket moves, not with every use.
 */
const APART_FROM_BYTES = 4_096

/** What is to be written of an account's state; `rare` is null where it lies with the state, or is there already. */
export const encodeAccount = (account: Account): { readonly state: Buffer; readonly rare: Buffer | null } => {
  const rare = rareBytesOf(account.state)
  if (account.rareWritten === null && rare.length < APART_FROM_BYTES) {
    return { state: encodeState(account.state), rare: null }
  }
  const isThere = rare === account.rareWritten
  account.rareWritten = rare
  return { state: encodeParted(account.state), rare: isThere ? null : Buffer.from(rare, 'latin1') }
}

/** Whether stored bytes of a state need what lies apart. */
export const isParted = (state: Uint8Array): boolean => state[0] === PARTED_LAYOUT
