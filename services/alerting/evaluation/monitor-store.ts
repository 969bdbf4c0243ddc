import type { Sql } from '#libs/postgres/database.ts'
import { DAY_MS } from '#libs/runtime/durations.ts'
import type { Outage } from '../core/alert/outage.ts'
import type { MuteReason } from '../core/alert/rule.ts'
import type { RuleStates } from '../core/alert/rule-states.ts'
import type { MonitorKey } from '../core/alert/subject.ts'
import type { InactiveCount, SourceSeen } from '../core/decision/decide-monitor.ts'
import { packStates, unpackStates } from './rule-state-codec.ts'

export type StoredMonitor = MonitorKey & {
  /** Of a source. */
  readonly seen: SourceSeen | null
  readonly states: RuleStates
  readonly inhibits: readonly string[]
}

type Row = MonitorKey & {
  readonly seen: SourceSeen | null
  readonly states: object
  readonly inhibits: readonly string[]
}

const COLUMNS = 'tenant_id as "tenantId", kind, name, seen, states, inhibits'
const toMonitor = (row: Row): StoredMonitor => ({ ...row, states: unpackStates(row.states) })

/** Locks the rows of these monitors, in one order, and inserts missing ones. */
export const lockMonitors = async (tx: Sql, keys: readonly MonitorKey[]): Promise<readonly StoredMonitor[]> => {
  const params = [keys.map((key) => key.tenantId), keys.map((key) => key.kind), keys.map((key) => key.name)]
  await tx.query(
    `insert into alerting.subject (tenant_id, kind, name)
     select tenant, kind, name from unnest($1::text[], $2::text[], $3::text[]) as k(tenant, kind, name) order by 1, 2, 3
     on conflict do nothing`,
    params,
  )
  const rows = await tx.query<Row>(
    `select ${COLUMNS} from alerting.subject
      where (tenant_id, kind, name) in (select * from unnest($1::text[], $2::text[], $3::text[]))
      order by tenant_id, kind, name for update`,
    params,
  )
  return rows.map(toMonitor)
}

/** Locks monitors that are due, longest first. Skips monitors locked by another replica. */
export const claimDueMonitors = async (tx: Sql, now: number, limit: number): Promise<readonly StoredMonitor[]> => {
  const rows = await tx.query<Row>(
    `select ${COLUMNS} from alerting.subject where next_check_at <= to_timestamp($1::double precision / 1000)
      order by next_check_at limit $2 for update skip locked`,
    [now, limit],
  )
  return rows.map(toMonitor)
}

export type MonitorToSave = StoredMonitor & { readonly nextCheckAt: number | null }

export const saveMonitors = async (tx: Sql, monitors: readonly MonitorToSave[]): Promise<void> => {
  for (const { tenantId, kind, name, seen, states, inhibits, nextCheckAt } of monitors)
    await tx.query(
      `update alerting.subject
          set seen = $4::jsonb, states = $5::jsonb, inhibits = $6,
              next_check_at = to_timestamp($7::double precision / 1000)
        where tenant_id = $1 and kind = $2 and name = $3`,
      [tenantId, kind, name, JSON.stringify(seen), JSON.stringify(packStates(states)), inhibits, nextCheckAt],
    )
}

/** Has the accounts of these tenants counted again, at `at` or earlier. */
export const countTenants = async (tx: Sql, tenantIds: readonly string[], at: number): Promise<void> => {
  if (tenantIds.length === 0) return
  await tx.query(
    `insert into alerting.subject as s (tenant_id, kind, name, next_check_at)
     select tenant, 'tenant', '', to_timestamp($2::double precision / 1000) from unnest($1::text[]) as k(tenant) order by tenant
     on conflict (tenant_id, kind, name) do update set next_check_at = least(s.next_check_at, excluded.next_check_at)`,
    [tenantIds, at],
  )
}

/** A rule has changed: all monitors of the tenant are due now. */
export const checkAllMonitors = async (tx: Sql, tenantId: string, now: number): Promise<void> => {
  await tx.query(
    `with locked as (select kind, name from alerting.subject where tenant_id = $1 order by kind, name for update)
     update alerting.subject as s set next_check_at = to_timestamp($2::double precision / 1000)
       from locked where s.tenant_id = $1 and s.kind = locked.kind and s.name = locked.name`,
    [tenantId, now],
  )
}

/** Outages of each tenant, which mute alerts of its accounts. */
export const outagesOf = async (
  sql: Sql,
  tenantIds: readonly string[],
): Promise<ReadonlyMap<string, readonly Outage[]>> => {
  const rows = await sql.query<Row>(
    `select ${COLUMNS} from alerting.subject where tenant_id = any($1) and inhibits <> '{}'`,
    [tenantIds],
  )
  const outages = rows.map(({ tenantId, inhibits, seen }) => ({
    tenantId,
    mutes: inhibits,
    quietSince: seen?.heardAt ?? null,
  }))
  return Map.groupBy(outages, (outage) => outage.tenantId)
}

/** Counts accounts that became inactive after `since`, and all that were active then. */
export const countInactive = async (sql: Sql, tenantId: string, since: number): Promise<InactiveCount> => {
  const [row] = await sql.query<InactiveCount>(
    `select count(*) filter (where silent) as inactive, count(*) as active from alerting.account
      where tenant_id = $1 and quiet_at is not null and (not silent or quiet_at > to_timestamp($2::double precision / 1000))`,
    [tenantId, since],
  )
  return row!
}

/** An account counts this long before its `quietAt`, which is exact to days of two time zones. */
const NEAR_MS = 2 * DAY_MS

/** Counts accounts that became inactive after `since` or may by `soon`, by a range of the index. */
export const countInactiveSoon = async (
  sql: Sql,
  tenantId: string,
  { since, soon }: { readonly since: number; readonly soon: number },
): Promise<number> => {
  const [row] = await sql.query<{ near: number }>(
    `select count(*) as near from alerting.account
      where tenant_id = $1 and quiet_at > to_timestamp($2::double precision / 1000) and quiet_at <= to_timestamp($3::double precision / 1000)
        and (not silent or quiet_at > to_timestamp($4::double precision / 1000))`,
    [tenantId, Math.min(since, soon - NEAR_MS), soon, since],
  )
  return row!.near
}

/** Counts accounts that are active or were active at `since`, up to `most`. */
export const countActiveSince = async (sql: Sql, tenantId: string, since: number, most: number): Promise<number> => {
  const [row] = await sql.query<{ active: number }>(
    `select count(*) as active from (
       select from alerting.account where tenant_id = $1 and quiet_at > to_timestamp($2::double precision / 1000) limit $3) as looked_at`,
    [tenantId, since - NEAR_MS, most],
  )
  return row!.active
}

/** Tenants with alerts that still wait for an outage that is over, as a process died meanwhile. */
export const forgottenTenants = async (sql: Sql): Promise<readonly string[]> => {
  const rows = await sql.query<{ tenantId: string }>(
    `select distinct a.tenant_id as "tenantId" from alerting.alert a
      where a.muted in ('outage', 'held') and a.state <> 'resolved' and a.muted = 'outage' and a.account_id is not null
        and not exists (select from alerting.subject s where s.tenant_id = a.tenant_id and s.inhibits <> '{}')`,
  )
  return rows.map((row) => row.tenantId)
}

/** Makes accounts with alerts of these mutes due now. Locks as `lockAccounts` does. */
export const checkMutedAccounts = async (
  tx: Sql,
  tenantIds: readonly string[],
  mutes: readonly MuteReason[],
  now: number,
): Promise<void> => {
  if (tenantIds.length === 0) return
  await tx.query(
    `with muted_by_outage as materialized (
       select distinct tenant_id, account_id from alerting.alert
        where tenant_id = any($1) and muted in ('outage', 'held') and muted = any($3) and state <> 'resolved'
          and account_id is not null),
     locked as (
       select a.tenant_id, a.account_id from alerting.account a join muted_by_outage using (tenant_id, account_id)
        order by a.tenant_id, a.account_id for update of a)
     update alerting.account as a set next_check_at = to_timestamp($2::double precision / 1000)
       from locked where a.tenant_id = locked.tenant_id and a.account_id = locked.account_id`,
    [tenantIds, now, mutes],
  )
}
