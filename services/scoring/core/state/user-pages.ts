import { growBits, pageOfKey } from './page-layout.ts'
import type { UserActivity, UserDays } from './user-days.ts'

/** Aimed at. */
const USERS_PER_PAGE = 128
/** A separator that no user id holds: NUL is refused at every door. */
const SEPARATOR = '\0'

/**
 * The users of one account in 2^bits pages, by hash of the user id. `get` throws for a page that is
 * not loaded: "not seen" and "not loaded" must never be confused.
 */
export type UserPages = UserActivity & {
  readonly bits: () => number
  readonly pageOf: (userId: string) => number
  readonly isLoaded: (page: number) => boolean
  readonly load: (page: number, bytes: Buffer | undefined) => void
  /** Forgets all users, loaded or not: every page is written anew. */
  readonly empty: () => void
  /** Pages written to since the last call, encoded; forgets that they were. */
  readonly takeDirty: () => { page: number; bytes: Buffer }[]
  /** How many users the loaded pages hold. */
  readonly size: () => number
  /** Users of the loaded pages. */
  readonly entries: () => Iterable<[string, UserDays]>
}

export const pageBitsFor = (users: number, bits: number): number => growBits(users, bits, USERS_PER_PAGE)

type Page = Map<string, number>
type Pages = {
  readonly pageBits: number
  /** By number; undefined = not loaded. */
  readonly pages: (Page | undefined)[]
  readonly dirty: number[]
}

const pageFor = (userActivity: UserPages & Pages, userId: string): Page => {
  const page = userActivity.pages[userActivity.pageOf(userId)]
  if (page === undefined) throw new Error('the page of a user was used before it was loaded')
  return page
}

/** Shared by all accounts: own functions would be a third of a small object. */
const methods: UserPages & ThisType<UserPages & Pages> = {
  bits() {
    return this.pageBits
  },
  pageOf(userId) {
    return pageOfKey(userId, this.pageBits)
  },
  isLoaded(page) {
    return this.pages[page] !== undefined
  },
  load(page, bytes) {
    this.pages[page] ??= bytes === undefined ? new Map() : decodePage(bytes)
  },
  get(userId) {
    return unpack(pageFor(this, userId).get(userId))
  },
  set(userId, days) {
    pageFor(this, userId).set(userId, pack(days))
    const page = this.pageOf(userId)
    if (!this.dirty.includes(page)) this.dirty.push(page)
  },
  empty() {
    for (let page = 0; page < 2 ** this.pageBits; page++) {
      this.pages[page] = new Map()
      if (!this.dirty.includes(page)) this.dirty.push(page)
    }
  },
  takeDirty() {
    return this.dirty.splice(0).map((page) => ({ page, bytes: encodePage(this.pages[page]!) }))
  },
  size() {
    return this.pages.reduce((users, page) => users + (page?.size ?? 0), 0)
  },
  *entries() {
    for (const page of this.pages) for (const [userId, packed] of page ?? []) yield [userId, unpack(packed)!]
  },
}

export const createUserPages = (bits: number): UserPages =>
  ({ __proto__: methods, pageBits: bits, pages: [], dirty: [] }) as unknown as UserPages

/** The same users in more pages, all of them dirty. `from` must be loaded whole. */
export const relayUserPages = (from: UserPages, bits: number): UserPages => {
  const to = createUserPages(bits)
  for (let page = 0; page < 2 ** bits; page++) to.load(page, undefined)
  for (const [userId, days] of from.entries()) to.set(userId, days)
  return to
}

/** Two day numbers in one number; "never" (-1) is kept as 0. */
const pack = (days: UserDays): number => (days.activeDay + 1) * 65_536 + (days.coreDay + 1)
const unpack = (packed: number | undefined): UserDays | undefined =>
  packed === undefined ? undefined : { activeDay: Math.floor(packed / 65_536) - 1, coreDay: (packed % 65_536) - 1 }

const encodePage = (users: ReadonlyMap<string, number>): Buffer => {
  let text = ''
  for (const [userId, packed] of users) text += `${userId}${SEPARATOR}${packed}${SEPARATOR}`
  return Buffer.from(text)
}

const decodePage = (bytes: Buffer): Map<string, number> => {
  const users = new Map<string, number>()
  const parts = bytes.toString().split(SEPARATOR)
  for (let i = 0; i + 1 < parts.length; i += 2) users.set(parts[i]!, Number(parts[i + 1]))
  return users
}
