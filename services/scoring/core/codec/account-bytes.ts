import type { AccountState } from '../state/state.ts'
import { createInteractionPages, type InteractionPages } from './interaction-pages.ts'
import { decodeStateOf, encodeState } from './state-codec.ts'

/**
 * Where an account's dealings (tickets, invoices, answers) are more than this they lie in rows of their own, of which an event reads and
 * writes one: an account with 10,000 tickets pays for a few of them when a ticket moves, and for none with every use.
 */
const APART_FROM_BYTES = 2_048

type EncodedAccount = {
  readonly state: AccountState
  readonly interactions: InteractionPages
  interactionsApart: boolean
}

/** What is to be written of an account's state; pages of its dealings where they lie apart. */
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

/** A state with its dealings behind it, however many, all of them on one page. */
export const encodeWhole = (state: AccountState, interactions: InteractionPages): Buffer =>
  encodeState(state, INLINE + interactions.bytesOf(0))

/** What follows the state: 0 and the dealings themselves, or the bits of the pages they lie in, plus 1. */
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
