import { unpackBody } from '#libs/bytes/zstd.ts'
import type { AccountKey } from '#libs/contracts/topics.ts'
import type { Sql } from '#libs/postgres/database.ts'
import { UnavailableError } from '#libs/runtime/errors.ts'
import { changeIn, type FramePlace } from './log-frames.ts'
import { PLACE_COLUMNS } from './log-rows.ts'

export const unrelayedPartitions = (sql: Sql) =>
  sql.query<{ partition: number; position: number; relayed: number }>(
    'select partition, position, relayed from scoring.partition_head where position > relayed order by partition',
  )

/** The changes of one flush, as published. */
export const loadPosition = async (sql: Sql, partition: number, position: number) => {
  const packed = await sql.query<{ frame: number; bytes: Buffer }>(
    'select frame, bytes from scoring.log_frame where partition = $1 and position = $2',
    [partition, position],
  )
  // Read after the frames: an account erased in between has no row, so spaces are never a change.
  const rows = await sql.query<AccountKey & FramePlace>(
    `select l.tenant_id as "tenantId", l.account_id as "accountId", ${PLACE_COLUMNS} from scoring.account_log l
     where partition = $1 and position = $2 and change_length > 0 order by tenant_id, account_id, version`,
    [partition, position],
  )
  const frames = new Map(packed.map(({ frame, bytes }) => [frame, unpackBody(bytes)]))
  return rows.map((row) => ({ ...row, change: changeIn(frames.get(row.frame)!, row)! }))
}

export const markRelayed = async (sql: Sql, partition: number, position: number): Promise<void> => {
  await sql.query('update scoring.partition_head set relayed = greatest(relayed, $2) where partition = $1', [
    partition,
    position,
  ])
}

/** Age in seconds of the oldest flush whose changes are not known to be published; else 0. */
export const oldestUnrelayedAge = async (sql: Sql, now: number): Promise<number> => {
  const [row] = await sql.query<{ at: number | null }>(
    `select min(l.at) as at from scoring.partition_head h
     join scoring.account_log l on l.partition = h.partition and l.position = h.relayed + 1
     where h.position > h.relayed`,
  )
  return row?.at == null ? 0 : Math.max(0, now - row.at) / 1_000
}

const MAX_UNRELAYED_S = 60

/** For readiness: rejects when a change has waited for longer than a minute to be published. */
export const checkRelay = async (sql: Sql, now: number): Promise<void> => {
  if ((await oldestUnrelayedAge(sql, now)) > MAX_UNRELAYED_S) throw new UnavailableError('changes are not published')
}
