import { accountKey } from '#libs/contracts/topics.ts'
import type { Sql } from '#libs/postgres/database.ts'
import type { Account } from '../core/account/account.ts'
import { interactionBitsFor, relayInteractionPages } from '../core/codec/interaction-pages.ts'
import type { CountedEvent } from '../core/events/event.ts'
import { eventsPending, interactionTouchedBy, usersTouchedBy } from '../core/state/fold.ts'
import { pageBitsFor, relayUserPages } from '../core/state/user-pages.ts'
import type { AccountRequest } from './account-request.ts'
import { interactionsPage, loadPages, type PageKey } from './account-store.ts'

/** Puts the pages of all that folding what is wanted will touch into the accounts, and lays those out anew that have grown too large. */
export const loadTouchedPages = async (
  sql: Sql,
  wanted: readonly Pick<AccountRequest, 'read'>[],
  accounts: readonly Account[],
  now: number,
): Promise<void> => {
  const missing: (PageKey & { readonly owner: Account })[] = []
  for (const [i, owner] of accounts.entries()) {
    const { tenantId, accountId } = owner
    const touching = (): readonly CountedEvent[] => [...wanted[i]!.read().events, ...eventsPending(owner.state, now)]
    for (const page of userPages(owner, touching)) missing.push({ tenantId, accountId, page, owner })
    for (const page of pagesOfInteractions(owner, touching))
      missing.push({ tenantId, accountId, page: interactionsPage(page), owner })
  }
  if (missing.length > 0) {
    const rows = await loadPages(sql, missing)
    const found = new Map(rows.map((row) => [`${row.page}:${accountKey(row.tenant_id, row.account_id)}`, row.users]))
    for (const { owner, page, tenantId, accountId } of missing) {
      const bytes = found.get(`${page}:${accountKey(tenantId, accountId)}`)
      if (page >= 0) owner.users.load(page, bytes)
      else owner.interactions.load(interactionsPage(page), bytes?.toString('latin1'))
    }
  }
  for (const account of accounts) layOut(account)
}

type PageBook = {
  readonly bits: () => number
  readonly pageOf: (key: string) => number
  readonly isLoaded: (page: number) => boolean
}

const userPages = ({ users, state }: Account, touching: () => readonly CountedEvent[]): Iterable<number> =>
  pagesWanted(users, pageBitsFor(state.userCount, users.bits()), () => touching().flatMap(usersTouchedBy))

const pagesOfInteractions = (
  { interactions, state }: Account,
  touching: () => readonly CountedEvent[],
): Iterable<number> =>
  pagesWanted(interactions, interactionBitsFor(state, interactions.bits()), () =>
    touching().flatMap((event) => interactionTouchedBy(event) ?? []),
  )

/** The pages that must be loaded: all of them where they are to be laid out anew. */
const pagesWanted = (userActivity: PageBook, wantedBits: number, keys: () => readonly string[]): Iterable<number> => {
  const bits = userActivity.bits()
  if (isWholeLoaded(userActivity, bits)) return []
  if (bits === 0) return [0]
  const pages =
    wantedBits > bits
      ? Array.from({ length: 2 ** bits }, (_, page) => page)
      : keys().map(userActivity.pageOf, userActivity)
  return new Set(pages.filter((page) => !userActivity.isLoaded(page)))
}

/** Of most accounts all is: then nobody need read their records yet. */
const isWholeLoaded = (userActivity: PageBook, bits: number): boolean => {
  for (let page = 0; page < 2 ** bits; page++) if (!userActivity.isLoaded(page)) return false
  return true
}

const layOut = (account: Account): void => {
  const { users, interactions, state } = account
  const userBits = pageBitsFor(state.userCount, users.bits())
  if (userBits > users.bits()) account.users = relayUserPages(users, userBits)
  const interactionBits = account.interactionsApart ? interactionBitsFor(state, interactions.bits()) : 0
  if (interactionBits > interactions.bits()) account.interactions = relayInteractionPages(interactions, interactionBits)
}
