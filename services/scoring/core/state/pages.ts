export type PageCodec<Entry> = {
  readonly kind: string
  /** Entries a page should hold. */
  readonly perPage: number
  /** Whether a written page stays decoded, which costs memory and saves decoding it again. */
  readonly staysOpen: boolean
  /** Bytes as a text of one unit each; empty for an empty page. */
  readonly encode: (page: Map<string, Entry>) => string
  readonly decode: (bytes: string) => Map<string, Entry>
}

/** Entries of one account in 2^bits pages, by hash of their key. Pages are loaded when touched. */
export type Pages<Entry> = {
  readonly bits: () => number
  readonly pageOf: (key: string) => number
  readonly isLoaded: (page: number) => boolean
  /** `bytes` undefined: the page is empty. */
  readonly load: (page: number, bytes: string | undefined) => void
  /** Throws for a page that is not loaded: an unloaded entry must never pass for an absent one. */
  readonly entry: (key: string) => Entry | undefined
  readonly put: (key: string, entry: Entry) => void
  readonly markDirty: (page: number) => void
  /** Removes all entries, loaded or not: every page is written anew. */
  readonly empty: () => void
  readonly bytesOf: (page: number) => string
  /** Pages written to since the last call, as bytes. */
  readonly takeDirty: () => { page: number; bytes: Buffer }[]
  /** Entries of the pages that are open. */
  readonly size: () => number
  /** Entries of the loaded pages, by key. */
  readonly stored: () => Iterable<[string, Entry]>
}

/** By number: undefined = not loaded; bytes until an entry of the page is read. */
type Fields<Entry> = {
  readonly pageBits: number
  readonly pages: (Map<string, Entry> | string | undefined)[]
  readonly dirty: number[]
}

/** `own` are methods beside the common ones. All accounts share both, since memory is scarce. */
export const createPages = <Entry, Own>(codec: PageCodec<Entry>, own: Own & ThisType<Pages<Entry> & Own>) => {
  type Made = Pages<Entry> & Own
  const open = ({ pages }: Fields<Entry>, page: number): Map<string, Entry> => {
    const found = pages[page]
    if (found === undefined) throw new Error(`the page of a ${codec.kind} was used before it was loaded`)
    if (typeof found !== 'string') return found
    const opened = codec.decode(found)
    pages[page] = opened
    return opened
  }
  const common: Pages<Entry> & ThisType<Pages<Entry> & Fields<Entry>> = {
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
    entry(key) {
      return open(this, this.pageOf(key)).get(key)
    },
    put(key, entry) {
      const page = this.pageOf(key)
      open(this, page).set(key, entry)
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
      const found = this.pages[page]!
      const bytes = typeof found === 'string' ? found : codec.encode(found)
      if (!codec.staysOpen) this.pages[page] = bytes
      return bytes
    },
    takeDirty() {
      return this.dirty.splice(0).map((page) => ({ page, bytes: Buffer.from(this.bytesOf(page), 'latin1') }))
    },
    size() {
      return this.pages.reduce((sum, page) => sum + (page instanceof Map ? page.size : 0), 0)
    },
    *stored() {
      for (const page of this.pages) if (page !== undefined) yield* typeof page === 'string' ? codec.decode(page) : page
    },
  }
  const methods = { ...common, ...own }
  const create = (bits: number): Made =>
    ({ __proto__: methods, pageBits: bits, pages: [], dirty: [] }) as unknown as Made
  /** The same entries in more pages, all of them dirty. `from` must be loaded whole. */
  const relay = (from: Made, bits: number): Made => {
    const to = create(bits)
    to.empty()
    for (const [key, entry] of from.stored()) to.put(key, entry)
    return to
  }
  const bitsFor = (entries: number, bits: number): number => growBits(entries, bits, codec.perPage)
  return { create, relay, bitsFor }
}

/**
 * Page bits for that many entries. A changed entry rewrites its whole page, so pages stay small.
 * Pages grow fourfold at once, so that they are seldom laid out anew.
 */
const growBits = (entries: number, bits: number, perPage: number): number => {
  let wanted = bits
  while (entries > 2 * perPage * 2 ** wanted) wanted += 2
  return wanted
}

/** The page of 2^bits that a key lies on. */
const pageOfKey = (key: string, bits: number): number => (bits === 0 ? 0 : hashKey(key) & (2 ** bits - 1))

/** FNV-1a over UTF-16 units, then mixed, since only the low bits choose the page. */
const hashKey = (key: string): number => {
  let hash = 0x811c9dc5
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  hash ^= hash >>> 15
  return Math.imul(hash, 0x2c1b3c6d) >>> 16
}
