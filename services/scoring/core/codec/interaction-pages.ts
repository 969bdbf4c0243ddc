import { type InteractionLookup, interactionKey } from '../state/interactions.ts'
import { createPages, type Pages } from '../state/pages.ts'
import type { AccountState } from '../state/state.ts'
import { type AnyInteraction, decodeInteractions, encodeInteractions } from './interaction-codec.ts'

export type InteractionPages = Pages<AnyInteraction> & InteractionLookup

/** A page of 32 takes 1 to 4 KB. Most pages are not read before they are written again. */
const interactions = createPages<AnyInteraction, InteractionLookup>(
  { kind: 'interaction', perPage: 32, staysOpen: false, encode: encodeInteractions, decode: decodeInteractions },
  {
    get(kind, id) {
      return this.entry(interactionKey(kind, id)) as never
    },
    set(kind, id, interaction) {
      this.put(interactionKey(kind, id), interaction)
    },
  },
)

export const createInteractionPages = interactions.create
export const relayInteractionPages = interactions.relay

export const interactionBitsFor = ({ ticketCount, invoiceCount, answererCount }: AccountState, bits: number): number =>
  interactions.bitsFor(ticketCount + invoiceCount + answererCount, bits)

/** For new accounts, views and rebuilds: there is nothing to load. */
export const createEmptyInteractions = (): InteractionPages => {
  const pages = createInteractionPages(0)
  pages.load(0, undefined)
  return pages
}
