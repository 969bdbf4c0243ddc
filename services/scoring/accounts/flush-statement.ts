import { ACCOUNT_BIRTH, ACCOUNT_KEY, ACCOUNT_VALUES, FLUSH_TABLES } from './flush-columns.ts'
import { assignmentsOf, BLOB_PARAMETER, namesOf, parametersOf, unnestOf, valuesOf } from './flush-table.ts'

const { account, snapshot, page, log, frame } = FLUSH_TABLES
const ACCOUNT = [...ACCOUNT_KEY, ...ACCOUNT_BIRTH, ...ACCOUNT_VALUES]

/**
 * The first parameter of each table. Behind the tables: the number of accounts to write, the offset
 * behind the flush's records, and the offset that the database must have reached; null: none.
 */
const ACCOUNT_AT = BLOB_PARAMETER + 1
const SNAPSHOT_AT = ACCOUNT_AT + parametersOf(account)
const PAGE_AT = SNAPSHOT_AT + parametersOf(snapshot)
const LOG_AT = PAGE_AT + parametersOf(page)
const FRAME_AT = LOG_AT + parametersOf(log)
const COUNT = FRAME_AT + parametersOf(frame)
const NEXT_OFFSET = COUNT + 1
const EXPECTED_OFFSET = COUNT + 2

/**
 * Writes a flush, whole or not at all. $1 is the partition, $2 the blob; the arrays of
 * `FLUSH_TABLES` follow. The head row is locked first, so the flushes of a partition commit in
 * order. An account whose version has changed since its read fails the statement (SQLSTATE PU409).
 * A database that is behind the expected offset gets nothing, and answers no row.
 * All parts see the tables as they were: what is copied of an account is what stood before.
 */
export const FLUSH_STATEMENT = `
with head as (
  insert into scoring.partition_head as h (partition, position, next_offset)
  select $1, 1, $${NEXT_OFFSET}::bigint
  where $${EXPECTED_OFFSET}::bigint is null or exists (select from scoring.partition_head where partition = $1)
  on conflict (partition) do update
    set position = h.position + 1, next_offset = coalesce(excluded.next_offset, h.next_offset)
    where coalesce(h.next_offset >= $${EXPECTED_OFFSET}::bigint, true)
  returning h.position, h.relayed
), input as (
  select i.* from head, ${unnestOf(account, ACCOUNT_AT, 'i')}
), inserted as (
  insert into scoring.account (${namesOf(ACCOUNT)})
  select ${valuesOf(ACCOUNT, 'i')}
  from input i where i.base_version = 0
  on conflict do nothing
  returning 1
), updated as (
  update scoring.account a set ${assignmentsOf(ACCOUNT_VALUES, 'i')},
    evaluation_claimed_until = null
  from input i
  where i.base_version > 0 and a.tenant_id = i.tenant_id and a.account_id = i.account_id and a.version = i.base_version
  returning 1
), copied as (
  insert into scoring.account_snapshot (tenant_id, account_id, version, last_occurred_at, model_id, model_version,
    user_page_bits, state, pages)
  select a.tenant_id, a.account_id, a.version, scoring.last_occurred_at(a.tenant_id, a.account_id), a.model_id,
    a.model_version, a.user_page_bits, a.state, scoring.pages_of(a.tenant_id, a.account_id)
  from head, ${unnestOf(snapshot, SNAPSHOT_AT, 's')}
  join scoring.account a
    on a.tenant_id = s.tenant_id and a.account_id = s.account_id and a.version = s.base_version
  on conflict do nothing
), paged as (
  insert into scoring.account_page (${namesOf(page)})
  select ${valuesOf(page, 'p')}
  from head, ${unnestOf(page, PAGE_AT, 'p')}
  on conflict (tenant_id, account_id, kind, page) do update set bytes = excluded.bytes
), logged as (
  insert into scoring.account_log (partition, position, ${namesOf(log)})
  select $1, head.position, ${valuesOf(log, 'l')}
  from head, ${unnestOf(log, LOG_AT, 'l')}
), framed as (
  insert into scoring.log_frame (partition, position, ${namesOf(frame)})
  select $1, head.position, ${valuesOf(frame, 'f')}
  from head, ${unnestOf(frame, FRAME_AT, 'f')}
)
select head.position, head.relayed,
  scoring.assert_written($${COUNT}::bigint, (select count(*) from inserted) + (select count(*) from updated)) as written
from head`
