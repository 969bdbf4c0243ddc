import type { Tombstones } from '#libs/access/tombstones.ts'
import type { BusRecord } from '#libs/bus/bus.ts'
import { RECORD_HEADERS } from '#libs/contracts/record-version.ts'
import { accountKey } from '#libs/contracts/topics.ts'
import { createBlob } from '#libs/postgres/blob.ts'
import { derivedId } from '#libs/runtime/ids.ts'
import { monthOf } from '#libs/time/calendar.ts'
import type { Account } from '../core/account/account.ts'
import type { Change, LogEntry } from '../core/account/apply-events.ts'
import { changeMessage, factsOf } from '../core/account/change-message.ts'
import type { ScoringContext } from '../core/account/evaluate-account.ts'
import { encodeAccount } from '../core/codec/account-bytes.ts'
import { createFrameWriter } from '../log/log-frames.ts'
import { FLUSH_TABLES } from './flush-columns.ts'
import { createTableRows } from './flush-table.ts'
import { createTextArena } from './text-arena.ts'

export type ChangedAccount = {
  readonly account: Account
  /** The version that the database must still have; 0 for a new account. */
  readonly baseVersion: number
  readonly entries: readonly LogEntry[]
  readonly context: ScoringContext
}

export type FlushRows = {
  readonly stage: (changed: ChangedAccount) => void
  /** While much is being compressed, a promise to wait for before more is staged. */
  readonly room: () => Promise<unknown> | null
  readonly accounts: () => number
  /** The changes for `account.health`, in the order in which they were staged. */
  readonly messages: () => readonly BusRecord[]
  /** The parameters of `FLUSH_STATEMENT` between the first and the last; valid until `clear`. */
  readonly params: () => Promise<Buffer[]>
  /** Empties the rows for another flush. Their memory is kept: most of a flush's garbage. */
  readonly clear: () => void
}

/** An account that is there already keeps its hash. */
const NO_BYTES = Buffer.alloc(0)

export const createFlushRows = (tombstones: Tombstones): FlushRows => {
  const blob = createBlob()
  const tables = {
    account: createTableRows(FLUSH_TABLES.account, blob),
    snapshot: createTableRows(FLUSH_TABLES.snapshot, blob),
    page: createTableRows(FLUSH_TABLES.page, blob),
    log: createTableRows(FLUSH_TABLES.log, blob),
    frame: createTableRows(FLUSH_TABLES.frame, blob),
  }
  const inOrder = (Object.keys(FLUSH_TABLES) as (keyof typeof FLUSH_TABLES)[]).map((name) => tables[name])
  const frames = createFrameWriter()
  const toBytes = createTextArena()
  let messages: BusRecord[] = []
  let count = 0

  const stageEntry = (account: Account, entry: LogEntry, context: ScoringContext): void => {
    const message = entry.change === null ? null : toBytes(messageText(account, entry.change, context))
    if (message !== null)
      messages.push({ key: accountKey(account.tenantId, account.accountId), headers: RECORD_HEADERS, value: message })
    tables.log.add({ account, entry, place: frames.add(entry.events, message) })
  }

  return {
    stage: ({ account, baseVersion, entries, context }) => {
      for (const entry of entries) stageEntry(account, entry, context)
      count++
      const evaluation = account.evaluation!
      const facts = factsOf(evaluation, account.past, account.sequence)
      const { state, interactions } = encodeAccount(account)
      const hash = baseVersion > 0 ? NO_BYTES : Buffer.from(tombstones.ofAccount(account), 'hex')
      tables.account.add({ account, baseVersion, hash, evaluation, facts, context, state })
      if (isFirstOfMonth(account.evaluated, evaluation)) tables.snapshot.add({ account, baseVersion })
      for (const { page, bytes } of interactions) tables.page.add({ account, kind: 'interactions', page, bytes })
      for (const { page, bytes } of account.users.takeDirty()) tables.page.add({ account, kind: 'users', page, bytes })
    },
    room: frames.room,
    accounts: () => count,
    messages: () => messages,
    params: async () => {
      for (const [frame, bytes] of (await frames.take()).entries()) tables.frame.add({ frame, bytes })
      return [blob.bytes(), ...inOrder.flatMap((table) => table.arrays())]
    },
    clear: () => {
      count = 0
      messages = []
      blob.clear()
      for (const table of inOrder) table.clear()
    },
  }
}

/** Whether the account was evaluated last in a calendar month (UTC) before this one. */
const isFirstOfMonth = (before: { readonly at: number } | null, { at }: { readonly at: number }): boolean =>
  before !== null && monthOf(before.at) < monthOf(at)

const messageText = (account: Account, change: Change, { model: { model } }: ScoringContext): string => {
  const changeId = derivedId('change', account.tenantId, account.accountId, model.id, change.sequence)
  return JSON.stringify(changeMessage(account, change, changeId, { id: model.id, version: model.version }))
}
