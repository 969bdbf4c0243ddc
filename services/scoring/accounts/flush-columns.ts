import type { Facts } from '#libs/contracts/account-health.ts'
import { type ArrayColumn, createNumberColumn, createTextColumn } from '#libs/postgres/array-column.ts'
import { createBlob } from '#libs/postgres/blob.ts'
import type { Account } from '../core/account/account.ts'
import type { LogEntry } from '../core/account/apply-events.ts'
import type { ScoringContext } from '../core/account/evaluate-account.ts'
import { encodeAccount } from '../core/codec/account-bytes.ts'
import { createFrameWriter } from '../log/log-frames.ts'
import { interactionsPage } from './account-store.ts'
import { createTextArena } from './text-arena.ts'

/** One flush as the columns of one statement: everything long lies in one blob, so that nothing is copied or escaped twice. */
export type FlushRows = {
  /** The account as it now is; `baseVersion` is what the database must still hold, 0 for a new account. */
  readonly addAccount: (account: Account, baseVersion: number, facts: Facts, context: ScoringContext) => void
  /** A text as bytes that live as long as the flush. */
  readonly toBytes: (text: string) => Buffer
  readonly addEntry: (account: Account, entry: LogEntry, message: Buffer | null) => void
  /** While much is being packed, a promise to wait for before more is added. */
  readonly room: () => Promise<unknown> | null
  readonly accounts: () => number
  /** What the statement takes; valid until `clear`. */
  readonly params: () => Promise<unknown[]>
  /** Empty again, for another flush: the memory is kept, which would otherwise be most of what a flush leaves to the collector. */
  readonly clear: () => void
}

/** As the statement names them, in its order. */
const ACCOUNT_COLUMNS = [
  ...['text', 'text', 'int8', 'int8', 'int8', 'int4', 'int4', 'int4', 'int2', 'text', 'int4', 'text', 'text', 'float8'],
  ...['text', 'float8', 'text', 'float8', 'float8', 'float8', 'float8', 'text', 'float8', 'float8', 'int4', 'text'],
  'float8',
] as ColumnType[]
const PAGE_COLUMNS: readonly ColumnType[] = ['text', 'text', 'int4', 'int4', 'int4']
const LOG_COLUMNS = [
  ...['text', 'text', 'int8', 'float8', 'float8', 'int4', 'int4', 'int8', 'float8', 'int4', 'int4', 'int4', 'int4'],
] as ColumnType[]
const FRAME_COLUMNS: readonly ColumnType[] = ['int4', 'int4', 'int4']

export const createFlushRows = (): FlushRows => {
  const blob = createBlob()
  const accounts = createColumns(ACCOUNT_COLUMNS)
  const pages = createColumns(PAGE_COLUMNS)
  const log = createColumns(LOG_COLUMNS)
  const framed = createColumns(FRAME_COLUMNS)
  const frames = createFrameWriter()
  let count = 0
  return {
    addAccount: (account, baseVersion, facts, { model: { model }, zone }) => {
      const { evaluation, state, users, tenantId, accountId } = account
      const at = evaluation!
      const { state: bytes, interactions } = encodeAccount(account)
      count++
      push(accounts, [
        tenantId,
        accountId,
        baseVersion,
        account.version,
        account.sequence,
        blob.append(bytes),
        bytes.length,
        state.userCount,
        users.bits(),
        model.id,
        model.version,
        textTrait(state.traits.name),
        facts.ownerId,
        at.score,
        at.band,
        at.confidence,
        at.stage,
        facts.mrr,
        account.firstChangeAt,
        at.at,
        at.nextEvaluationAt,
        isEmpty(state.traits) ? null : JSON.stringify(state.traits),
        facts.scoreDelta7d,
        facts.scoreDelta28d,
        facts.renewalInDays === null ? null : zone.dayOf(at.at) + facts.renewalInDays,
        account.override === null ? null : JSON.stringify(account.override),
        at.healthySince,
      ])
      for (const page of interactions)
        push(pages, [tenantId, accountId, interactionsPage(page.page), blob.append(page.bytes), page.bytes.length])
      for (const page of users.takeDirty())
        push(pages, [tenantId, accountId, page.page, blob.append(page.bytes), page.bytes.length])
    },
    toBytes: createTextArena(),
    addEntry: (account, entry, message) => {
      const { evaluation, change, events } = entry
      const place = frames.add(events, message)
      push(log, [
        account.tenantId,
        account.accountId,
        entry.version,
        evaluation.at,
        events.length === 0
          ? null
          : events.reduce((last, event) => Math.max(last, event.occurredAt), Number.NEGATIVE_INFINITY),
        blob.append(entry.ids),
        entry.ids.length,
        change === null ? null : change.sequence,
        evaluation.score,
        place.frame,
        place.eventsAt,
        place.eventsLength,
        place.changeLength,
      ])
    },
    room: frames.room,
    accounts: () => count,
    params: async () => {
      for (const [frame, bytes] of (await frames.take()).entries())
        push(framed, [frame, blob.append(bytes), bytes.length])
      return [blob.bytes(), ...[accounts, pages, log, framed].flatMap((columns) => columns.map(({ bytes }) => bytes()))]
    },
    clear: () => {
      count = 0
      blob.clear()
      for (const columns of [accounts, pages, log, framed]) for (const column of columns) column.clear()
    },
  }
}

type ColumnType = 'text' | Parameters<typeof createNumberColumn>[0]
type Value = string | number | null
const createColumns = (types: readonly ColumnType[]): readonly ArrayColumn<Value>[] =>
  types.map((type) => (type === 'text' ? createTextColumn() : createNumberColumn(type)) as ArrayColumn<Value>)
const push = (into: readonly ArrayColumn<Value>[], row: readonly Value[]): void => {
  for (let i = 0; i < row.length; i++) into[i]!.push(row[i]!)
}

const isEmpty = (object: object): boolean => {
  for (const _name in object) return false
  return true
}

const textTrait = (value: unknown): string | null => (typeof value === 'string' ? value : null)
