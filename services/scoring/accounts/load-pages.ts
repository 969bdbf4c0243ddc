import { accountKey } from '#libs/contracts/topics.ts'
import type { Sql } from '#libs/postgres/database.ts'
import type { Account } from '../core/account/account.ts'
import { interactionBitsFor, relayInteractionPages } from '../core/codec/interaction-pages.ts'
import { pageBitsFor, relayUserPages } from '../core/codec/user-pages.ts'
import type { CountedEvent } from '../core/events/event.ts'
import { eventsPending, interactionTouchedBy, usersTouchedBy } from '../core/state/fold.ts'
import type { Pages } from '../core/state/pages.ts'
import type { AccountRequest } from './account-request.ts'
import { loadPages, type PageKey, type PageKind } from './account-store.ts'

/** Loads the pages that the requested events touch; lays out anew the pages that grew too large. */
export const loadTouchedPages = async (
  sql: Sql,
  requests: readonly AccountRequest[],
  accounts: readonly Account[],
  now: number,
): Promise<void> => {
  const missing: (PageKey & { readonly owner: Account })[] = []
  for (const [i, owner] of accounts.entries()) {
    const { tenantId, accountId } = owner
    const events = (): readonly CountedEvent[] => [...requests[i]!.read().events, ...eventsPending(owner.state, now)]
    for (const kind of KINDS)
      for (const page of missingPages(owner, kind, events)) missing.push({ tenantId, accountId, kind, page, owner })
  }
  if (missing.length > 0) {
    const found = new Map((await loadPages(sql, missing)).map((row) => [nameOf(row), row.bytes]))
    for (const page of missing)
      BY_KIND[page.kind].pagesOf(page.owner).load(page.page, found.get(nameOf(page))?.toString('latin1'))
  }
  for (const account of accounts) layOut(account)
}

const nameOf = ({ kind, page, tenantId, accountId }: PageKey): string =>
  `${kind}:${page}:${accountKey(tenantId, accountId)}`

type AnyPages = Pick<Pages<unknown>, 'bits' | 'pageOf' | 'isLoaded' | 'load'>

type KindOfPages = {
  readonly pagesOf: (account: Account) => AnyPages
  readonly bitsFor: (account: Account) => number
  readonly keysOf: (event: CountedEvent) => readonly string[]
}

const KINDS = ['users', 'interactions'] as const
const BY_KIND: Readonly<Record<PageKind, KindOfPages>> = {
  users: {
    pagesOf: ({ users }) => users,
    bitsFor: ({ users, state }) => pageBitsFor(state.userCount, users.bits()),
    keysOf: usersTouchedBy,
  },
  interactions: {
    pagesOf: ({ interactions }) => interactions,
    bitsFor: ({ interactions, state }) => interactionBitsFor(state, interactions.bits()),
    keysOf: (event) => [interactionTouchedBy(event) ?? []].flat(),
  },
}

/** Pages to load: the pages that events touch, or all pages if they must be laid out anew. */
const missingPages = (account: Account, kind: PageKind, events: () => readonly CountedEvent[]): Iterable<number> => {
  const { pagesOf, bitsFor, keysOf } = BY_KIND[kind]
  const pages = pagesOf(account)
  const bits = pages.bits()
  if (areAllLoaded(pages, bits)) return []
  if (bits === 0) return [0]
  const wanted =
    bitsFor(account) > bits
      ? Array.from({ length: 2 ** bits }, (_, page) => page)
      : events().flatMap(keysOf).map(pages.pageOf, pages)
  return new Set(wanted.filter((page) => !pages.isLoaded(page)))
}

/** True of most accounts, whose records then need not be parsed yet. */
const areAllLoaded = (pages: AnyPages, bits: number): boolean => {
  for (let page = 0; page < 2 ** bits; page++) if (!pages.isLoaded(page)) return false
  return true
}

const layOut = (account: Account): void => {
  const { users, interactions, state } = account
  const userBits = pageBitsFor(state.userCount, users.bits())
  if (userBits > users.bits()) account.users = relayUserPages(users, userBits)
  const interactionBits = account.interactionsApart ? interactionBitsFor(state, interactions.bits()) : 0
  if (interactionBits > interactions.bits()) account.interactions = relayInteractionPages(interactions, interactionBits)
}
