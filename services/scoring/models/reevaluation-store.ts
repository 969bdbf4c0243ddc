import type { Sql } from '#libs/postgres/database.ts'
import { MINUTE_MS } from '#libs/runtime/durations.ts'

/** A pass this late finds accounts that a process paused for 2 minutes scored by former models. */
export const SETTLED_MS = 3 * MINUTE_MS

export type Pass = {
  readonly tenantId: string
  readonly beginsAt: number
  readonly settledAt: number
  /** Passes that ended before this one. */
  readonly passes: number
  readonly afterAccountId: string | null
  readonly claim: string
}

/** Requests a re-evaluation of the tenant's accounts; a pass under way starts again. */
export const requestReevaluation = async (
  tx: Sql,
  request: { readonly tenantId: string; readonly beginsAt: number; readonly settledAt: number },
): Promise<void> => {
  await tx.query(
    `insert into scoring.reevaluation (tenant_id, next_pass_at, settled_at)
     values ($1, to_timestamp($2::double precision / 1000), to_timestamp($3::double precision / 1000))
     on conflict (tenant_id) do update set next_pass_at = excluded.next_pass_at, settled_at = excluded.settled_at, passes = 0,
       found = 0, after_account_id = null, claim = null, claimed_until = null`,
    [request.tenantId, request.beginsAt, request.settledAt],
  )
}

/** Claims a due pass until `until`; skips passes under a claim that has not lapsed. */
export const claimPass = async (
  sql: Sql,
  { now, until, claim }: { readonly now: number; readonly until: number; readonly claim: string },
): Promise<Pass | undefined> => {
  const [pass] = await sql.query<Pass>(
    `update scoring.reevaluation r set claim = $3, claimed_until = to_timestamp($2::double precision / 1000)
     from (
       select tenant_id from scoring.reevaluation
       where next_pass_at <= to_timestamp($1::double precision / 1000)
         and (claimed_until is null or claimed_until <= to_timestamp($1::double precision / 1000))
       order by next_pass_at limit 1 for update skip locked
     ) d
     where r.tenant_id = d.tenant_id
     returning r.tenant_id as "tenantId", r.next_pass_at as "beginsAt", r.settled_at as "settledAt", r.passes,
       r.after_account_id as "afterAccountId", r.claim`,
    [now, until, claim],
  )
  return pass
}

/** Saves progress. Answers the accounts found so far; undefined: the claim was lost. */
export const advancePass = async (
  sql: Sql,
  { tenantId, claim }: Pass,
  step: { readonly afterAccountId: string; readonly found: number; readonly until: number },
): Promise<number | undefined> => {
  const [row] = await sql.query<{ found: number }>(
    `update scoring.reevaluation set after_account_id = $3, found = found + $4,
       claimed_until = to_timestamp($5::double precision / 1000)
     where tenant_id = $1 and claim = $2 returning found`,
    [tenantId, claim, step.afterAccountId, step.found, step.until],
  )
  return row?.found
}

export const schedulePass = async (sql: Sql, { tenantId, claim }: Pass, nextPassAt: number): Promise<void> => {
  await sql.query(
    `update scoring.reevaluation set next_pass_at = to_timestamp($3::double precision / 1000), passes = passes + 1,
       found = 0, after_account_id = null, claim = null, claimed_until = null
     where tenant_id = $1 and claim = $2`,
    [tenantId, claim, nextPassAt],
  )
}

/** Releases the claim; another process resumes the pass where it stands. */
export const releasePass = async (sql: Sql, { tenantId, claim }: Pass): Promise<void> => {
  await sql.query(
    'update scoring.reevaluation set claim = null, claimed_until = null where tenant_id = $1 and claim = $2',
    [tenantId, claim],
  )
}

export const endReevaluation = async (sql: Sql, { tenantId, claim }: Pass): Promise<void> => {
  await sql.query('delete from scoring.reevaluation where tenant_id = $1 and claim = $2', [tenantId, claim])
}

export type ScoredBy = {
  readonly accountId: string
  readonly traits: Record<string, unknown> | null
  readonly modelId: string
  readonly modelVersion: number
  readonly evaluatedAt: number
}

/** A page of accounts in the order of their ids, with the model version each was last scored by. */
export const readScoredBy = (sql: Sql, tenantId: string, afterAccountId: string, limit: number) =>
  sql.query<ScoredBy>(
    `select account_id as "accountId", traits, model_id as "modelId", model_version as "modelVersion",
       evaluated_at as "evaluatedAt"
     from scoring.account where tenant_id = $1 and account_id > $2 order by account_id limit $3`,
    [tenantId, afterAccountId, limit],
  )
