import { type InteractionLookup, interactionKey } from '../state/interactions.ts'
import { growBits, pageOfKey } from '../state/page-layout.ts'
import type { AccountState } from '../state/state.ts'
import {
  type AnyInteraction,
  decodeInteractions,
  encodeInteractions,
  type InteractionPage,
} from './interaction-codec.ts'

/** Aimed at: 1 to 4 KB. */
const INTERACTIONS_PER_PAGE = 32

/** The interactions of one account in 2^bits pages, by hash of their key. */
export type InteractionPages = InteractionLookup & {
  readonly bits: () => number
  readonly pageOf: (key: string) => number
  readonly isLoaded: (page: number) => boolean
  /** Bytes as a text of one unit each; undefined: there is nothing on it. */
  readonly load: (page: number, bytes: string | undefined) => void
  /** The page is to be written. */
  readonly markDirty: (page: number) => void
  /** Removes all interactions, loaded or not: every page is written anew. */
  readonly empty: () => void
  /** A loaded page as bytes. */
  readonly bytesOf: (page: number) => string
  /** Pages written to since the last call, as bytes; forgets that they were. */
  readonly takeDirty: () => { page: number; bytes: Buffer }[]
  /** Interactions of the loaded pages, by key. */
  readonly entries: () => Iterable<[string, AnyInteraction]>
}

export const interactionBitsFor = ({ ticketCount, invoiceCount, answererCount }: AccountState, bits: number): number =>
  growBits(ticketCount + invoiceCount + answererCount, bits, INTERACTIONS_PER_PAGE)

type Pages = {
  readonly pageBits: number
  /**
   * By number; undefined = not loaded. A page stays bytes until one of its interactions is read.
   */
  readonly pages: (InteractionPage | string | undefined)[]
  readonly dirty: number[]
}

const open = ({ pages }: Pages, page: number): InteractionPage => {
  const held = pages[page]
  if (held === undefined) throw new Error('the page of an interaction was used before it was loaded')
  if (typeof held !== 'string') return held
  const opened = decodeInteractions(held)
  pages[page] = opened
  return opened
}

/** Shared by all accounts, as those of user pages are. */
const methods: InteractionPages & ThisType<InteractionPages & Pages> = {
  bits() {
    return this.pageBits
  },
  pageOf(key) {
    return pageOfKey(key, this.pageBits)
  },
  isLoaded(page) {
    return this.pages[page] !== undefined
  },
  load(page, bytes) {
    this.pages[page] ??= bytes ?? ''
  },
  get(kind, id) {
    const key = interactionKey(kind, id)
    return open(this, this.pageOf(key)).get(key) as never
  },
  set(kind, id, interaction) {
    const key = interactionKey(kind, id)
    const page = this.pageOf(key)
    open(this, page).set(key, interaction)
    this.markDirty(page)
  },
  markDirty(page) {
    if (!this.dirty.includes(page)) this.dirty.push(page)
  },
  empty() {
    for (let page = 0; page < 2 ** this.pageBits; page++) {
      this.pages[page] = ''
      this.markDirty(page)
    }
  },
  bytesOf(page) {
    const held = this.pages[page]!
    const bytes = typeof held === 'string' ? held : encodeInteractions(held)
    this.pages[page] = bytes
    return bytes
  },
  takeDirty() {
    return this.dirty.splice(0).map((page) => ({ page, bytes: Buffer.from(this.bytesOf(page), 'latin1') }))
  },
  *entries() {
    for (const held of this.pages)
      if (held !== undefined) yield* typeof held === 'string' ? decodeInteractions(held) : held
  },
}

const make = (pages: Pages): InteractionPages => ({ __proto__: methods, ...pages }) as unknown as InteractionPages

/** Nothing of it is loaded. */
export const createInteractionPages = (bits: number): InteractionPages => make({ pageBits: bits, pages: [], dirty: [] })

/** For what is new, views and rebuilds: there is nothing to load. */
export const createEmptyInteractions = (): InteractionPages => {
  const interactions = createInteractionPages(0)
  interactions.load(0, undefined)
  return interactions
}

/** The same interactions in more pages, all of them dirty. `from` must be loaded whole. */
export const relayInteractionPages = (from: InteractionPages, bits: number): InteractionPages => {
  const pages = Array.from({ length: 2 ** bits }, (): InteractionPage => new Map())
  for (const [key, interaction] of from.entries()) pages[pageOfKey(key, bits)]!.set(key, interaction)
  return make({ pageBits: bits, pages: pages.map(encodeInteractions), dirty: [...pages.keys()] })
}
