import type { Sql } from '#libs/postgres/database.ts'

export type DeadLetterStatus = 'waiting' | 'replayed' | 'dropped'

export type NewDeadLetter = {
  readonly id: string
  readonly tenantId: string | null
  readonly accountId: string | null
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly key: string
  readonly headers: Readonly<Record<string, string>>
  readonly value: Buffer
  readonly reason: string
  /** Epoch milliseconds. */
  readonly at: number
}

export type DeadLetterSummary = Omit<NewDeadLetter, 'tenantId' | 'accountId' | 'headers' | 'value'> & {
  readonly status: DeadLetterStatus
}
export type DeadLetter = DeadLetterSummary & Pick<NewDeadLetter, 'headers' | 'value'>

export type DeadLetterFilter = {
  readonly topic?: string | undefined
  /** Part of the reason. */
  readonly reason?: string | undefined
  readonly from?: number | undefined
  readonly to?: number | undefined
}

const SUMMARY = `letter_id as id, topic, partition, record_offset as "offset", key, reason, at, status`
const WHOLE = `${SUMMARY}, headers, value`
/** $1 to $4. `strpos` takes no pattern. */
const FILTER = `($1::text is null or topic = $1) and ($2::text is null or strpos(lower(reason), lower($2)) > 0)
  and ($3::double precision is null or at >= to_timestamp($3 / 1000))
  and ($4::double precision is null or at < to_timestamp($4 / 1000))`
const filterParams = ({ topic, reason, from, to }: DeadLetterFilter) => [
  topic ?? null,
  reason ?? null,
  from ?? null,
  to ?? null,
]

/** A letter that is known already stays as it is. */
export const insertDeadLetters = async (sql: Sql, letters: readonly NewDeadLetter[]): Promise<void> => {
  await sql.query(
    `insert into scoring.dead_letter
       (letter_id, tenant_id, account_id, topic, partition, record_offset, key, headers, value, reason, at)
     select id, tenant_id, account_id, topic, partition, record_offset, key, headers, value, reason, to_timestamp(at / 1000)
     from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::int[], $6::bigint[], $7::text[], $8::jsonb[],
       $9::bytea[], $10::text[], $11::double precision[])
       as n (id, tenant_id, account_id, topic, partition, record_offset, key, headers, value, reason, at)
     on conflict do nothing`,
    [
      letters.map(({ id }) => id),
      letters.map(({ tenantId }) => tenantId),
      letters.map(({ accountId }) => accountId),
      letters.map(({ topic }) => topic),
      letters.map(({ partition }) => partition),
      letters.map(({ offset }) => offset),
      letters.map(({ key }) => key),
      letters.map(({ headers }) => JSON.stringify(headers)),
      letters.map(({ value }) => value),
      letters.map(({ reason }) => reason),
      letters.map(({ at }) => at),
    ],
  )
}

export type DeadLetterPage = {
  readonly limit: number
  readonly after: { readonly at: number; readonly id: string } | undefined
}

/** Newest first. */
export const listDeadLetters = (
  sql: Sql,
  filter: DeadLetterFilter,
  { limit, after }: DeadLetterPage,
): Promise<readonly DeadLetterSummary[]> =>
  sql.query<DeadLetterSummary>(
    `select ${SUMMARY} from scoring.dead_letter
     where ${FILTER} and ($5::double precision is null
       or (at, letter_id) < (to_timestamp($5 / 1000), $6::uuid))
     order by at desc, letter_id desc limit $7`,
    [...filterParams(filter), after?.at ?? null, after?.id ?? null, limit + 1],
  )

export const findDeadLetter = async (sql: Sql, id: string): Promise<DeadLetter | undefined> => {
  const [row] = await sql.query<DeadLetter>(`select ${WHOLE} from scoring.dead_letter where letter_id = $1`, [id])
  return row
}

export type ClaimOptions = { readonly token: string; readonly leaseMs: number; readonly limit: number }

/** Nobody replays the letter now. */
const UNCLAIMED = '(claimed_until is null or claimed_until < clock_timestamp())'
/** Within one instant the order of the log. */
const OLDEST_FIRST = 'at, partition, record_offset'

/** Claims waiting letters, the oldest first; letters of another claim are left out. */
export const claimDeadLetters = (
  sql: Sql,
  filter: DeadLetterFilter & { readonly id?: string },
  { token, leaseMs, limit }: ClaimOptions,
): Promise<readonly DeadLetter[]> =>
  sql.query<DeadLetter>(
    `with claimed as (
       update scoring.dead_letter set claim_token = $6, claimed_until = clock_timestamp() + $7 * interval '1 millisecond'
       where letter_id in (
         select letter_id from scoring.dead_letter
         where ${FILTER} and ($5::uuid is null or letter_id = $5) and status = 'waiting' and ${UNCLAIMED}
         order by ${OLDEST_FIRST} limit $8 for update skip locked)
       returning *)
     select ${WHOLE} from claimed order by ${OLDEST_FIRST}`,
    [...filterParams(filter), filter.id ?? null, token, leaseMs, limit],
  )

export const releaseClaim = async (sql: Sql, token: string): Promise<void> => {
  await sql.query(
    `update scoring.dead_letter set claim_token = null, claimed_until = null
     where claim_token = $1 and status = 'waiting'`,
    [token],
  )
}

/**
 * Marks published letters, but none that another claim has taken over: its replay marks them.
 * Answers how many. A letter that was dropped after its claim had lapsed is on its topic all the
 * same, so it is no longer said to be dropped.
 */
export const markReplayed = async (tx: Sql, token: string, ids: readonly string[]): Promise<number> => {
  const rows = await tx.query(
    `update scoring.dead_letter set status = 'replayed' where letter_id = any($1::uuid[]) and claim_token = $2 returning 1`,
    [ids, token],
  )
  return rows.length
}

/** False unless the letter was waiting and nobody replays it. */
export const dropDeadLetter = async (tx: Sql, id: string): Promise<boolean> => {
  const rows = await tx.query(
    `update scoring.dead_letter set status = 'dropped'
     where letter_id = $1 and status = 'waiting' and ${UNCLAIMED} returning 1`,
    [id],
  )
  return rows.length > 0
}

export const countWaiting = (sql: Sql): Promise<readonly { readonly topic: string; readonly waiting: number }[]> =>
  sql.query(`select topic, count(*) as waiting from scoring.dead_letter where status = 'waiting' group by topic`)

export const deleteOldDeadLetters = async (sql: Sql, before: number, limit: number): Promise<number> => {
  const rows = await sql.query(
    `delete from scoring.dead_letter where letter_id in (
       select letter_id from scoring.dead_letter where at < to_timestamp($1::double precision / 1000) order by at limit $2)
     returning 1`,
    [before, limit],
  )
  return rows.length
}
