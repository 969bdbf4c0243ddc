import type { Sql } from '#libs/postgres/database.ts'
import { RewoundError, UnavailableError } from '#libs/runtime/errors.ts'
import type { FlushRows } from './flush-rows.ts'
import { FLUSH_STATEMENT } from './flush-statement.ts'

/** Number of a flush in its partition, and of the last flush known to be on `account.health`. */
export type FlushPosition = { readonly position: number; readonly relayed: number }

export type FlushOffsets = {
  /** Offset behind the records of the flush, when every record before it is durable with it. */
  readonly next: number | null
  /** Offset that the database must have reached; null: it may have any. */
  readonly expected: number | null
}

const NO_OFFSETS: FlushOffsets = { next: null, expected: null }

/**
 * Throws `UnavailableError` if another scorer has written one of the accounts since its read, and
 * `RewoundError` if the database is behind the expected offset.
 */
export const writeFlush = async (
  sql: Sql,
  partition: number,
  rows: FlushRows,
  { next, expected }: FlushOffsets = NO_OFFSETS,
): Promise<FlushPosition> => {
  try {
    const params = [partition, ...(await rows.params()), rows.accounts(), next, expected]
    const [head] = await sql.query<FlushPosition>(FLUSH_STATEMENT, params)
    if (head === undefined) throw new RewoundError(`partition ${partition}: the database is behind ${expected}`)
    return head
  } catch (error) {
    if ((error as { code?: string }).code !== 'PU409') throw error
    throw new UnavailableError('an account was written by another scorer', { cause: error })
  }
}
