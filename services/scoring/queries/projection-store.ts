import type { AccountKey } from '#libs/contracts/topics.ts'
import { numberArray, textArray } from '#libs/postgres/array-literal.ts'
import type { Sql } from '#libs/postgres/database.ts'

/** Takes the projection lock until the transaction ends. Answers false if another holds it. */
export const tryAccountListLock = async (tx: Sql): Promise<boolean> => {
  const [row] = await tx.query<{ held: boolean }>(
    `select pg_try_advisory_xact_lock(hashtextextended('scoring.account_list', 0)) as held`,
  )
  return row!.held
}

/** Waits for the projection lock; the cause of its failure after `waitMs` has this code. */
export const awaitAccountListLock = async (tx: Sql, waitMs: number): Promise<boolean> => {
  await tx.query(`select set_config('lock_timeout', $1, true)`, [String(waitMs)])
  await tx.query(`select pg_advisory_xact_lock(hashtextextended('scoring.account_list', 0))`)
  return true
}

/** SQLSTATE of a lock that was not available in time. */
export const LOCK_NOT_AVAILABLE = '55P03'

export type Projected = {
  readonly accounts: number
  /** Whether flushes are left. */
  readonly behind: boolean
  /** Accounts that were in onboarding, or not listed, and now are in a later stage. */
  readonly leftOnboarding: readonly AccountKey[]
}

/**
 * Lists the accounts of each partition's next flushes: about `rows` log rows, each flush whole.
 *
 *     partition_head, account_list_head ─▶ moved    flushes to project of each partition
 *     moved, account_log                ─▶ touched  accounts of these flushes
 *     touched, account, account_list    ─▶ current  accounts now, and the stage listed before
 *     current ─▶ account_list; account_profile, if it changed; answer: who left onboarding
 *     moved   ─▶ account_list_head
 *
 * All parts read one snapshot. Locks in order: the projection lock, which the caller holds; rows of
 * the tables written; a key share of `account` for new rows. Flushes write none of these tables;
 * erasure locks `account` first and deletes only committed rows: neither can deadlock.
 */
export const projectFlushes = async (tx: Sql, rows: number): Promise<Projected> => {
  const [row] = await tx.query<{ accounts: number; behind: boolean; tenantIds: string[]; accountIds: string[] }>(
    `with moved as materialized (
       select h.partition, coalesce(l.position, 0) as after, h.position as head,
         coalesce((
           select g.position from scoring.account_log g
           where g.partition = h.partition and g.position > coalesce(l.position, 0)
           order by g.position offset $1 limit 1), h.position) as upto
       from scoring.partition_head h left join scoring.account_list_head l on l.partition = h.partition
       where h.position > coalesce(l.position, 0)
     ), touched as (
       select distinct g.tenant_id, g.account_id
       from moved m join scoring.account_log g on g.partition = m.partition and g.position > m.after and g.position <= m.upto
     ), current as materialized ( -- owner, parent and name are cut to the size of an index entry
       select a.tenant_id, a.account_id, a.sequence, a.score, a.band, a.confidence, a.stage, a.score_delta_7d, a.score_delta_28d,
         a.evaluated_at, a.name, left(a.owner_id, 256) as owner_id, left(a.traits ->> 'parentId', 256) as parent_id,
         coalesce(a.traits, '{}') as traits, a.mrr, a.renewal_day,
         ' ' || lower(a.account_id || coalesce(' ' || left(a.name, 1000), '')) as search, l.stage as listed_stage
       from touched t
       join scoring.account a on a.tenant_id = t.tenant_id and a.account_id = t.account_id
       left join scoring.account_list l on l.tenant_id = t.tenant_id and l.account_id = t.account_id
     ), listed as (
       insert into scoring.account_list (tenant_id, account_id, sequence, score, band, confidence, stage, score_delta_7d,
         score_delta_28d, evaluated_at)
       select tenant_id, account_id, sequence, score, band, confidence, stage, score_delta_7d, score_delta_28d, evaluated_at
       from current
       on conflict (tenant_id, account_id) do update set sequence = excluded.sequence, score = excluded.score,
         band = excluded.band, confidence = excluded.confidence, stage = excluded.stage,
         score_delta_7d = excluded.score_delta_7d, score_delta_28d = excluded.score_delta_28d,
         evaluated_at = excluded.evaluated_at
     ), profiled as (
       insert into scoring.account_profile as p (tenant_id, account_id, name, owner_id, parent_id, traits, mrr, renewal_day, search)
       select tenant_id, account_id, name, owner_id, parent_id, traits, mrr, renewal_day, search from current
       on conflict (tenant_id, account_id) do update set name = excluded.name, owner_id = excluded.owner_id,
         parent_id = excluded.parent_id, traits = excluded.traits, mrr = excluded.mrr, renewal_day = excluded.renewal_day,
         search = excluded.search
       where (p.traits, p.mrr, p.renewal_day, p.name, p.owner_id) is distinct from
         (excluded.traits, excluded.mrr, excluded.renewal_day, excluded.name, excluded.owner_id)
     ), followed as (
       insert into scoring.account_list_head as h (partition, position) select partition, upto from moved
       on conflict (partition) do update set position = excluded.position
     )
     select (select count(*) from current) as accounts, exists (select from moved where upto < head) as behind,
       coalesce(array_agg(tenant_id), '{}') as "tenantIds", coalesce(array_agg(account_id), '{}') as "accountIds"
     from current where stage <> 'onboarding' and coalesce(listed_stage, 'onboarding') = 'onboarding'`,
    [rows],
  )
  const { accounts, behind, tenantIds, accountIds } = row!
  return {
    accounts,
    behind,
    leftOnboarding: tenantIds.map((tenantId, i) => ({ tenantId, accountId: accountIds[i]! })),
  }
}

export type Completion = AccountKey & {
  readonly journeyId: string
  readonly startedAt: number
  readonly completedAt: number
}

/** Replaces the completed onboardings of these accounts. */
export const writeCompletions = async (
  tx: Sql,
  keys: readonly AccountKey[],
  completions: readonly Completion[],
): Promise<void> => {
  await tx.query(
    `delete from scoring.onboarding_completion c using unnest($1::text[], $2::text[]) as k (tenant_id, account_id)
     where c.tenant_id = k.tenant_id and c.account_id = k.account_id`,
    [textArray(keys.map((key) => key.tenantId)), textArray(keys.map((key) => key.accountId))],
  )
  if (completions.length === 0) return
  await tx.query(
    `insert into scoring.onboarding_completion (tenant_id, account_id, journey_id, started_at, completed_at, days)
     select tenant_id, account_id, journey_id, to_timestamp(started_at / 1000), to_timestamp(completed_at / 1000),
       (completed_at - started_at) / 86400000
     from unnest($1::text[], $2::text[], $3::text[], $4::float8[], $5::float8[])
       as c (tenant_id, account_id, journey_id, started_at, completed_at)
     on conflict do nothing`,
    [
      textArray(completions.map((completion) => completion.tenantId)),
      textArray(completions.map((completion) => completion.accountId)),
      textArray(completions.map((completion) => completion.journeyId)),
      numberArray(completions.map((completion) => completion.startedAt)),
      numberArray(completions.map((completion) => completion.completedAt)),
    ],
  )
}
