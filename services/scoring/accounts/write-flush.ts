import type { Sql } from '#libs/postgres/database.ts'
import { UnavailableError } from '#libs/runtime/errors.ts'
import type { FlushRows } from './flush-rows.ts'
import { FLUSH_STATEMENT } from './flush-statement.ts'

/** Number of a flush in its partition, and of the last flush known to be on `account.health`. */
export type FlushPosition = { readonly position: number; readonly relayed: number }

/** Throws `UnavailableError` if another scorer has written one of the accounts since its read. */
export const writeFlush = async (sql: Sql, partition: number, rows: FlushRows): Promise<FlushPosition> => {
  try {
    const [head] = await sql.query<FlushPosition>(FLUSH_STATEMENT, [
      partition,
      ...(await rows.params()),
      rows.accounts(),
    ])
    return head!
  } catch (error) {
    if ((error as { code?: string }).code !== 'PU409') throw error
    throw new UnavailableError('an account was written by another scorer', { cause: error })
  }
}
