import { type AccountKey, accountKey } from '#libs/contracts/topics.ts'
import type { Sql } from '#libs/postgres/database.ts'
import { loadAccounts, type StoredAccount } from '../accounts/account-store.ts'
import { encodeAccount } from '../core/codec/account-bytes.ts'
import { interactionBitsFor, relayInteractionPages } from '../core/codec/interaction-pages.ts'
import { convertState, isCurrentLayout } from '../core/codec/state-layouts.ts'
import type { LiveModels } from '../models/live-models.ts'
import { type FoldedAccount, foldAccounts } from './fold-accounts.ts'
import {
  deleteFormerStates,
  lockFormerStates,
  type RenewedPage,
  type RenewedState,
  replacePages,
  writeStates,
} from './former-state-store.ts'

export type RenewedAccounts = {
  /** Listed accounts that this page has dealt with; 0: none is left that no other process has. */
  readonly accounts: number
  readonly folded: number
  readonly frames: number
  readonly events: number
  /** Accounts that somebody has written meanwhile. */
  readonly overtaken: number
  /** Accounts whose counters took too much memory beside the others: they stay listed. */
  readonly dropped: number
}

type Limits = { readonly accounts: number; readonly maxBytes: number; readonly stopping: AbortSignal }

/**
 * Brings the next listed accounts to today's layout. In one transaction: a process that dies leaves
 * them to others, and what it has written before stays.
 */
export const renewPage = async (tx: Sql, liveModels: LiveModels, limits: Limits): Promise<RenewedAccounts> => {
  const listed = await lockFormerStates(tx, limits.accounts)
  if (listed.length === 0) return { accounts: 0, folded: 0, frames: 0, events: 0, overtaken: 0, dropped: 0 }
  const home = listed[0]!.partition
  const keys = listed.filter(({ partition }) => partition === home)
  const rows = (await loadAccounts(tx, keys)).filter(({ state }) => !isCurrentLayout(state))
  await liveModels.load(rows)

  const converted: RenewedState[] = []
  const unconverted: StoredAccount[] = []
  for (const row of rows) {
    const state = convertState(row.state)
    if (state === null) unconverted.push(row)
    else converted.push({ ...row, state, userCount: null })
  }
  const { folded, frames, events } = await foldAccounts(tx, liveModels, unconverted, { ...limits, home })
  const renewed = folded.map(renew)
  const written = await writeStates(tx, inOrder([...converted, ...renewed.map(({ state }) => state)]))
  const names = new Set(written.map(nameOf))
  const ours = renewed.filter(({ state }) => names.has(nameOf(state)))
  await replacePages(
    tx,
    ours.map(({ state }) => state),
    ours.flatMap(({ pages }) => pages),
  )
  const dropped = new Set(unconverted.slice(folded.length).map(nameOf))
  const done = keys.filter((key) => !dropped.has(nameOf(key)))
  await deleteFormerStates(tx, done)
  const overtaken = converted.length + folded.length - written.length
  return { accounts: done.length, folded: folded.length, frames, events, overtaken, dropped: dropped.size }
}

const nameOf = ({ tenantId, accountId }: AccountKey): string => accountKey(tenantId, accountId)

/** In the order of a flush, so that none waits for the other in a circle. */
const inOrder = (states: readonly RenewedState[]): readonly RenewedState[] =>
  states.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))

const renew = ({ row, counters }: FoldedAccount): { readonly state: RenewedState; readonly pages: RenewedPage[] } => {
  const { tenantId, accountId, version } = row
  const account = { ...counters, interactionsApart: false }
  let encoded = encodeAccount(account)
  const bits = interactionBitsFor(counters.state, 0)
  if (account.interactionsApart && bits > 0) {
    account.interactions = relayInteractionPages(account.interactions, bits)
    encoded = encodeAccount(account)
  }
  const users = counters.users.takeDirty()
  const pagesOf = (kind: RenewedPage['kind'], pages: readonly { readonly page: number; readonly bytes: Buffer }[]) =>
    pages.flatMap(({ page, bytes }): RenewedPage[] =>
      bytes.length === 0 ? [] : [{ tenantId, accountId, kind, page, bytes }],
    )
  return {
    state: {
      tenantId,
      accountId,
      version,
      state: encoded.state,
      userCount: counters.state.userCount,
      userPageBits: row.userPageBits,
    },
    pages: [...pagesOf('users', users), ...pagesOf('interactions', encoded.interactions)],
  }
}
