import { accountKey } from '#libs/contracts/topics.ts'
import type { Sql } from '#libs/postgres/database.ts'
import type { Account } from '../core/account/account.ts'
import type { CountedEvent } from '../core/events/event.ts'
import { dealingTouchedBy, eventsPending, usersTouchedBy } from '../core/state/fold.ts'
import { dealingBitsFor, relayDealingPages } from '../core/state/interaction-pages.ts'
import { pageBitsFor, relayUserPages } from '../core/state/user-pages.ts'
import type { Wanted } from '../flush/group-by-account.ts'
import { dealingsPage, loadPages, type PageKey } from './account-store.ts'

/** Puts the pages of all that folding what is wanted will touch into the accounts, and lays those out anew that have grown too large. */
export const loadTouchedPages = async (
  sql: Sql,
  wanted: readonly Pick<Wanted, 'read'>[],
  accounts: readonly Account[],
  now: number,
): Promise<void> => {
  const missing: (PageKey & { readonly owner: Account })[] = []
  for (const [i, owner] of accounts.entries()) {
    const { tenantId, accountId } = owner
    const touching = (): readonly CountedEvent[] => [...wanted[i]!.read().events, ...eventsPending(owner.state, now)]
    for (const page of userPages(owner, touching)) missing.push({ tenantId, accountId, page, owner })
    for (const page of pagesOfDealings(owner, touching))
      missing.push({ tenantId, accountId, page: dealingsPage(page), owner })
  }
  if (missing.length > 0) {
    const rows = await loadPages(sql, missing)
    const found = new Map(rows.map((row) => [`${row.page}:${accountKey(row.tenant_id, row.account_id)}`, row.users]))
    for (const { owner, page, tenantId, accountId } of missing) {
      const bytes = found.get(`${page}:${accountKey(tenantId, accountId)}`)
      if (page >= 0) owner.users.load(page, bytes)
      else owner.dealings.load(dealingsPage(page), bytes?.toString('latin1'))
    }
  }
  for (const account of accounts) layOut(account)
}

type Book = {
  readonly bits: () => number
  readonly pageOf: (key: string) => number
  readonly isLoaded: (page: number) => boolean
}

const userPages = ({ users, state }: Account, touching: () => readonly CountedEvent[]): Iterable<number> =>
  pagesWanted(users, pageBitsFor(state.userCount, users.bits()), () => touching().flatMap(usersTouchedBy))

const pagesOfDealings = ({ dealings, state }: Account, touching: () => readonly CountedEvent[]): Iterable<number> =>
  pagesWanted(dealings, dealingBitsFor(state, dealings.bits()), () =>
    touching().flatMap((event) => dealingTouchedBy(event) ?? []),
  )

/** The pages that must be loaded: all of them where they are to be laid out anew. */
const pagesWanted = (book: Book, wantedBits: number, keys: () => readonly string[]): Iterable<number> => {
  const bits = book.bits()
  if (isWholeLoaded(book, bits)) return []
  if (bits === 0) return [0]
  const pages = wantedBits > bits ? Array.from({ length: 2 ** bits }, (_, page) => page) : keys().map(book.pageOf, book)
  return new Set(pages.filter((page) => !book.isLoaded(page)))
}

/** Of most accounts all is: then nobody need read their records yet. */
const isWholeLoaded = (book: Book, bits: number): boolean => {
  for (let page = 0; page < 2 ** bits; page++) if (!book.isLoaded(page)) return false
  return true
}

const layOut = (account: Account): void => {
  const { users, dealings, state } = account
  const userBits = pageBitsFor(state.userCount, users.bits())
  if (userBits > users.bits()) account.users = relayUserPages(users, userBits)
  const dealingBits = account.dealingsApart ? dealingBitsFor(state, dealings.bits()) : 0
  if (dealingBits > dealings.bits()) account.dealings = relayDealingPages(dealings, dealingBits)
}
