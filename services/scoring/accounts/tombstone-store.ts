import type { Tombstones } from '#libs/access/tombstones.ts'
import { type AccountKey, accountKey } from '#libs/contracts/topics.ts'
import { textArray } from '#libs/postgres/array-literal.ts'
import type { Sql } from '#libs/postgres/database.ts'
import type { Erasures } from '../core/events/erasure.ts'

type TombstoneRow = AccountKey & {
  /** Hex. Null: the row is about the account itself. */
  readonly userHash: string | null
  readonly erasedAt: number
  readonly version: number | null
  readonly sequence: number | null
}

/** The erasures under these keys, by `accountKey`. Nearly every account has none. */
export const loadErasures = async (
  sql: Sql,
  keys: readonly AccountKey[],
  tombstones: Tombstones,
): Promise<ReadonlyMap<string, Erasures>> => {
  const rows = await sql.query<TombstoneRow>(
    `with k as (select * from unnest($1::text[], $2::text[], $3::text[]) as k (tenant_id, account_id, hash))
     select k.tenant_id as "tenantId", k.account_id as "accountId", null as "userHash", e.erased_at as "erasedAt",
       e.version, e.sequence
     from k join scoring.erased_account e
       on e.tenant_id = k.tenant_id
         and e.account_hash = any(array[decode(k.hash, 'hex'), access.account_hash(k.tenant_id, k.account_id)])
     union all
     select k.tenant_id, k.account_id, encode(u.user_hash, 'hex'), u.erased_at, null, null
     from k join scoring.erased_user u on u.tenant_id = k.tenant_id and u.account_id = k.account_id`,
    [
      textArray(keys.map((key) => key.tenantId)),
      textArray(keys.map((key) => key.accountId)),
      textArray(keys.map(tombstones.ofAccount)),
    ],
  )
  const byAccount = Map.groupBy(rows, (row) => accountKey(row.tenantId, row.accountId))
  return new Map([...byAccount].map(([key, ofAccount]) => [key, erasuresOf(ofAccount, tombstones)]))
}

/** An account has two tombstones when releases with and without keyed hashes erased it in turn. */
const erasuresOf = (rows: readonly TombstoneRow[], tombstones: Tombstones): Erasures => {
  const whole = rows.filter((row) => row.userHash === null)
  const users = new Map(
    rows.flatMap(({ userHash, erasedAt }): [string, number][] => (userHash === null ? [] : [[userHash, erasedAt]])),
  )
  const userErasedAt = (userId: string): number | undefined => {
    const { hash, former } = tombstones.ofUser(rows[0]!, userId)
    return latest([users.get(hash), users.get(former)])
  }
  return {
    accountAt: latest(whole.map(({ erasedAt }) => erasedAt)) ?? null,
    userErasedAt: users.size === 0 ? null : userErasedAt,
    version: latest(whole.map(({ version }) => version)) ?? 0,
    sequence: latest(whole.map(({ sequence }) => sequence)) ?? 0,
  }
}

const latest = (numbers: readonly (number | null | undefined)[]): number | undefined =>
  numbers.reduce<number | undefined>((last, one) => (one == null ? last : Math.max(last ?? one, one)), undefined)
