import type { Clock } from '#libs/runtime/clock.ts'
import { newId } from '#libs/runtime/ids.ts'
import type { Sql } from './database.ts'

export type Lease = {
  /** Takes or renews the lease. False while another process holds it. */
  readonly claim: () => Promise<boolean>
  /** Renews the lease until `work` settles. `work` runs outside of any transaction. */
  readonly keepDuring: <Value>(work: () => Promise<Value>) => Promise<Value>
  /** Frees the lease for another process. */
  readonly release: () => Promise<void>
}

export type LeaseOptions = {
  readonly sql: Sql
  readonly clock: Clock
  readonly schema: string
  readonly name: string
  readonly lengthMs?: number
}

const LENGTH_MS = 10_000
const RENEWALS_PER_LEASE = 3

/**
 * Admits one process at a time to the work `name`, by the database's clock. A process that stops or
 * vanishes loses its lease within `lengthMs`, whatever its connections hold. Needs the table `lease
 * (name text primary key, token uuid, leased_until timestamptz)` in the schema.
 */
export const createLease = ({ sql, clock, schema, name, lengthMs = LENGTH_MS }: LeaseOptions): Lease => {
  const token = newId()

  const claim = async (): Promise<boolean> => {
    const rows = await sql.query(
      `insert into ${schema}.lease as l (name, token, leased_until)
       values ($1, $2, clock_timestamp() + $3 * interval '1 millisecond')
       on conflict (name) do update set token = excluded.token, leased_until = excluded.leased_until
         where l.token = excluded.token or l.leased_until < clock_timestamp()
       returning 1`,
      [name, token, lengthMs],
    )
    return rows.length > 0
  }

  const keepDuring = async <Value>(work: () => Promise<Value>): Promise<Value> => {
    let cancel = (): void => {}
    const renewLater = (): void => {
      cancel = clock.after(lengthMs / RENEWALS_PER_LEASE, () => {
        // A renewal that fails is harmless: the work repeats nothing that a successor cannot.
        void claim().catch(() => false)
        renewLater()
      })
    }
    renewLater()
    try {
      return await work()
    } finally {
      cancel()
    }
  }

  return {
    claim,
    keepDuring,
    release: async () => {
      await sql.query(`delete from ${schema}.lease where name = $1 and token = $2`, [name, token])
    },
  }
}
