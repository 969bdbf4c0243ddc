import type { AccountKey } from '#libs/contracts/topics.ts'
import { numberArray, textArray } from '#libs/postgres/array-literal.ts'
import { createBlob } from '#libs/postgres/blob.ts'
import type { Sql } from '#libs/postgres/database.ts'
import { LOG_PLACE, type LogPlace } from '../log/log-rows.ts'

export type Marker = { readonly layout: number | null; readonly listed: number | null }

export const readMarker = async (sql: Sql): Promise<Marker> => {
  const [row] = await sql.query<Marker>('select layout, listed from scoring.state_layout')
  return row!
}

/** `layout`: all accounts of others are listed; null: some may not be. */
export const markListed = async (sql: Sql, layout: number | null): Promise<void> => {
  await sql.query('update scoring.state_layout set layout = null, listed = $1', [layout])
}

/** All listed accounts are of this layout now. False: some are not listed, nothing is marked. */
export const markListedThrough = async (sql: Sql, layout: number): Promise<boolean> => {
  const marked = await sql.query('update scoring.state_layout set layout = $1 where listed = $1 returning 1', [layout])
  return marked.length > 0
}

/** All states are of this layout. */
export const markThrough = async (sql: Sql, layout: number): Promise<true> => {
  await sql.query('update scoring.state_layout set layout = $1, listed = $1', [layout])
  return true
}

export const isWithoutAccounts = async (sql: Sql): Promise<boolean> => {
  const [row] = await sql.query<{ empty: boolean }>('select not exists (select from scoring.account) as empty')
  return row!.empty
}

/** Whether the last flush of a partition wrote another layout, as an older release does. */
export const hasFormerFlush = async (sql: Sql, layout: number): Promise<boolean> => {
  const [row] = await sql.query<{ found: boolean }>(
    `select exists (
       select from scoring.partition_head h
       join scoring.account_log l on l.partition = h.partition and l.position = h.position
       join scoring.account a on a.tenant_id = l.tenant_id and a.account_id = l.account_id
       where substring(a.state from 1 for 1) <> $1) as found`,
    [Buffer.of(layout)],
  )
  return row!.found
}

/** Lists the accounts of another layout among the next ones; answers the last one it looked at. */
export const listFormerStates = async (
  sql: Sql,
  layout: number,
  after: AccountKey | undefined,
  limit: number,
): Promise<AccountKey | undefined> => {
  const [last] = await sql.query<AccountKey>(
    `with part as materialized (
       select tenant_id, account_id, substring(state from 1 for 1) <> $1 as is_former from scoring.account
       where $2::text is null or (tenant_id, account_id) > ($2, $3)
       order by tenant_id, account_id limit $4
     ), listed as (
       insert into scoring.former_state (tenant_id, account_id, partition)
       select p.tenant_id, p.account_id, coalesce(newest.partition, -1) from part p
       left join lateral (
         select l.partition from scoring.account_log l
         where l.tenant_id = p.tenant_id and l.account_id = p.account_id
         order by l.at desc limit 1) newest on true
       where p.is_former
       on conflict do nothing)
     select tenant_id as "tenantId", account_id as "accountId" from part
     order by tenant_id desc, account_id desc limit 1`,
    [Buffer.of(layout), after?.tenantId ?? null, after?.accountId ?? null, limit],
  )
  return last
}

export const countFormerStates = async (sql: Sql): Promise<number> => {
  const [row] = await sql.query<{ n: number }>('select count(*) as n from scoring.former_state')
  return row!.n
}

/** The next accounts that no other process has locked, those of one partition first. */
export const lockFormerStates = (tx: Sql, limit: number) =>
  tx.query<AccountKey & { readonly partition: number }>(
    `select tenant_id as "tenantId", account_id as "accountId", partition from scoring.former_state
     order by partition, tenant_id, account_id limit $1 for update skip locked`,
    [limit],
  )

export const deleteFormerStates = async (tx: Sql, keys: readonly AccountKey[]): Promise<void> => {
  await tx.query(`delete from scoring.former_state f using ${KEYS} where ${isKey('f')}`, keyParams(keys))
}

export type LogRange = { readonly partition: number; readonly last: number }

/** The partitions of the log, and the last position of each. */
export const listLogRanges = (sql: Sql) =>
  sql.query<LogRange>('select partition, position as last from scoring.partition_head order by partition')

/** How many entries with events each account has. */
export const countEntries = async (sql: Sql, keys: readonly AccountKey[]): Promise<readonly number[]> => {
  const rows = await sql.query<{ n: number }>(
    `select (select count(*) from scoring.account_log l where ${isKey('l')} and l.last_occurred_at is not null) as n
     from unnest($1::text[], $2::text[]) with ordinality as k (tenant_id, account_id, nth) order by k.nth`,
    keyParams(keys),
  )
  return rows.map(({ n }) => n)
}

/** `nth`: the place of the entry's account among the keys, from 0. */
export type AccountPlace = LogPlace & { readonly nth: number }

/** Entries of these accounts with events, behind one position up to another, frame by frame. */
export const listPlacesBetween = (
  sql: Sql,
  keys: readonly AccountKey[],
  { partition, after, last }: { readonly partition: number; readonly after: number; readonly last: number },
) =>
  sql.query<AccountPlace>(
    `select ${LOG_PLACE}, k.nth - 1 as nth
     from unnest($1::text[], $2::text[]) with ordinality as k (tenant_id, account_id, nth)
     join scoring.account_log l on ${isKey('l')}
     where l.partition = $3 and l.position > $4 and l.position <= $5 and l.last_occurred_at is not null
     order by l.position, l.frame, l.events_at`,
    [...keyParams(keys), partition, after, last],
  )

export type RenewedState = AccountKey & {
  /** The version that the database must still have. */
  readonly version: number
  readonly state: Buffer
  /** Null: as it is. */
  readonly userCount: number | null
  readonly userPageBits: number
}

/**
 * Writes states under a version of their own, so that no scorer goes on with what it read before.
 * Answers those that nobody has written since they were read.
 */
export const writeStates = async (tx: Sql, states: readonly RenewedState[]) => {
  const blob = createBlob()
  const offsets = states.map(({ state }) => blob.append(state))
  return tx.query<AccountKey>(
    `update scoring.account a set version = a.version + 1, user_count = coalesce(k.user_count, a.user_count), user_page_bits = k.user_page_bits,
       state = substring($8::bytea from k.state_at + 1 for k.state_length)
     from unnest($1::text[], $2::text[], $3::bigint[], $4::int[], $5::int[], $6::int[], $7::int[])
       as k (tenant_id, account_id, version, user_count, user_page_bits, state_at, state_length)
     where ${isKey('a')} and a.version = k.version
     returning a.tenant_id as "tenantId", a.account_id as "accountId"`,
    [
      ...keyParams(states),
      numberArray(states.map(({ version }) => version)),
      numberArray(states.map(({ userCount }) => userCount)),
      numberArray(states.map(({ userPageBits }) => userPageBits)),
      numberArray(offsets),
      numberArray(states.map(({ state }) => state.length)),
      blob.bytes(),
    ],
  )
}

export type RenewedPage = AccountKey & {
  readonly kind: 'users' | 'interactions'
  readonly page: number
  readonly bytes: Buffer
}

/** Replaces all pages of these accounts. */
export const replacePages = async (tx: Sql, keys: readonly AccountKey[], pages: readonly RenewedPage[]) => {
  await tx.query(`delete from scoring.account_page p using ${KEYS} where ${isKey('p')}`, keyParams(keys))
  const blob = createBlob()
  const offsets = pages.map(({ bytes }) => blob.append(bytes))
  await tx.query(
    `insert into scoring.account_page (tenant_id, account_id, kind, page, bytes)
     select tenant_id, account_id, kind::scoring.page_kind, page, substring($7::bytea from bytes_at + 1 for bytes_length)
     from unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::int[], $6::int[])
       as k (tenant_id, account_id, kind, page, bytes_at, bytes_length)`,
    [
      ...keyParams(pages),
      textArray(pages.map(({ kind }) => kind)),
      numberArray(pages.map(({ page }) => page)),
      numberArray(offsets),
      numberArray(pages.map(({ bytes }) => bytes.length)),
      blob.bytes(),
    ],
  )
}

const KEYS = 'unnest($1::text[], $2::text[]) as k (tenant_id, account_id)'
const isKey = (alias: string): string => `${alias}.tenant_id = k.tenant_id and ${alias}.account_id = k.account_id`
const keyParams = (keys: readonly AccountKey[]): string[] => [
  textArray(keys.map((key) => key.tenantId)),
  textArray(keys.map((key) => key.accountId)),
]
