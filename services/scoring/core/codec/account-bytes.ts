import type { AccountState } from '../state/state.ts'
import { createInteractionPages, type InteractionPages } from './interaction-pages.ts'
import { decodeStateOf, encodeState } from './state-codec.ts'

/**
 * Above this size interactions (tickets, invoices, answers) lie in rows of their own, so that
 * an event of an account with 10,000 tickets reads and writes one small row.
 */
const APART_FROM_BYTES = 2_048

type EncodedAccount = {
  readonly state: AccountState
  readonly interactions: InteractionPages
  interactionsApart: boolean
}

/** An account's state as bytes, and the dirty pages of interactions in rows of their own. */
export const encodeAccount = (
  account: EncodedAccount,
): { readonly state: Buffer; readonly interactions: readonly { readonly page: number; readonly bytes: Buffer }[] } => {
  const { state, interactions } = account
  if (!account.interactionsApart) {
    if (interactions.bytesOf(0).length < APART_FROM_BYTES)
      return { state: encodeWhole(state, interactions), interactions: [] }
    account.interactionsApart = true
    interactions.markDirty(0)
  }
  return {
    state: encodeState(state, String.fromCharCode(interactions.bits() + 1)),
    interactions: interactions.takeDirty(),
  }
}

/** A state followed by its interactions, all on one page. */
export const encodeWhole = (state: AccountState, interactions: InteractionPages): Buffer =>
  encodeState(state, INLINE + interactions.bytesOf(0))

/** After the state: 0 and the interactions, or 1 + the page bits of their separate rows. */
const INLINE = '\0'

export const decodeAccount = (
  bytes: Uint8Array,
): { readonly state: AccountState; readonly interactions: InteractionPages; readonly interactionsApart: boolean } => {
  const { state, tail } = decodeStateOf(bytes)
  const interactionsApart = tail[0] !== INLINE
  const interactions = createInteractionPages(interactionsApart ? tail.charCodeAt(0) - 1 : 0)
  if (!interactionsApart) interactions.load(0, tail.slice(1))
  return { state, interactions, interactionsApart }
}
