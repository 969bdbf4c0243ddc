import type { Sql } from '#libs/postgres/database.ts'

export const unrelayedPartitions = (sql: Sql) =>
  sql.query<{ partition: number; position: number; relayed: number }>(
    'select partition, position, relayed from scoring.partition_head where position > relayed order by partition',
  )

/** Changes of one flush, as they are published. */
export const loadPosition = (sql: Sql, partition: number, position: number) =>
  sql.query<{ tenant_id: string; account_id: string; change: Buffer }>(
    `select tenant_id, account_id, change from scoring.account_log
     where partition = $1 and position = $2 and change is not null order by tenant_id, account_id, version`,
    [partition, position],
  )

export const markRelayed = async (sql: Sql, partition: number, position: number): Promise<void> => {
  await sql.query('update scoring.partition_head set relayed = greatest(relayed, $2) where partition = $1', [
    partition,
    position,
  ])
}

/** Seconds since the oldest flush whose changes are not known to be on `account.health`; 0 when all are. */
export const oldestUnrelayedAge = async (sql: Sql, now: number): Promise<number> => {
  const [row] = await sql.query<{ at: number | null }>(
    `select min(l.at) as at from scoring.partition_head h
     join scoring.account_log l on l.partition = h.partition and l.position = h.relayed + 1
     where h.position > h.relayed`,
  )
  return row?.at == null ? 0 : Math.max(0, now - row.at) / 1_000
}
