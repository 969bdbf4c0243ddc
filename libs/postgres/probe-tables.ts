import type { Database } from './database.ts'

/**
 * A write that changes nothing, to the tables of a consumer. Fails where the login, a table, a
 * right or room on the disk is missing, where a lock is in the way, and on a standby.
 */
export const probeTables = (database: Database, tables: readonly string[]): Promise<void> =>
  database.transaction(async (tx) => {
    await tx.query(`lock table ${tables.join(', ')} in row exclusive mode`)
    await tx.query(`select pg_logical_emit_message(true, 'pulso', 'probe')`)
  })
