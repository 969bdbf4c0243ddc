import type { Tombstones } from '#libs/access/tombstones.ts'
import { accountKey } from '#libs/contracts/topics.ts'
import { textArray } from '#libs/postgres/array-literal.ts'
import type { Sql } from '#libs/postgres/database.ts'
import { inactivityOf } from '../core/alert/outage.ts'
import type { RuleStates } from '../core/alert/rule-states.ts'
import type { AccountKey, SeenHealth } from '../core/alert/subject.ts'
import { packStates, unpackStates } from './rule-state-codec.ts'

export type StoredAccount = AccountKey & {
  /** Of the newest change that was evaluated; 0 before the first. */
  readonly sequence: number
  readonly seen: SeenHealth | null
  readonly states: RuleStates
}

type Row = AccountKey & { readonly sequence: number; readonly seen: SeenHealth | null; readonly states: object }

const COLUMNS = 'tenant_id as "tenantId", account_id as "accountId", sequence, seen, states'
const toAccount = (row: Row): StoredAccount => ({ ...row, states: unpackStates(row.states) })

/** Locks the rows of these accounts, in one order, and inserts missing ones. */
export const lockAccounts = async (
  tx: Sql,
  keys: readonly AccountKey[],
  tombstones: Tombstones,
): Promise<readonly StoredAccount[]> => {
  const known = await lockKnown(tx, keys)
  if (known.length === keys.length) return known
  const found = new Set(known.map(({ tenantId, accountId }) => accountKey(tenantId, accountId)))
  const missing = keys.filter(({ tenantId, accountId }) => !found.has(accountKey(tenantId, accountId)))
  const params = keyParams(missing)
  await tx.query(
    `insert into alerting.account (tenant_id, account_id)
     select tenant, account from unnest($1::text[], $2::text[]) as k(tenant, account) order by tenant, account
     on conflict do nothing`,
    params,
  )
  // By a statement of its own: it sees an erasure that the insert waited for.
  await tx.query(
    `update alerting.account as a set sequence = e.sequence, states = e.states
       from (
         select distinct on (k.tenant, k.account) k.tenant, k.account, t.sequence, t.states
           from unnest($1::text[], $2::text[], $3::text[]) as k(tenant, account, hash)
           join alerting.erased_account t on t.tenant_id = k.tenant
             and t.account_hash = any(array[decode(k.hash, 'hex'), access.account_hash(k.tenant, k.account)])
          order by k.tenant, k.account, t.sequence desc) e
      where a.tenant_id = e.tenant and a.account_id = e.account and a.sequence < e.sequence`,
    [...params, textArray(missing.map(tombstones.ofAccount))],
  )
  return [...known, ...(await lockKnown(tx, missing))]
}

const keyParams = (keys: readonly AccountKey[]): readonly string[] => [
  textArray(keys.map((key) => key.tenantId)),
  textArray(keys.map((key) => key.accountId)),
]

const lockKnown = async (tx: Sql, keys: readonly AccountKey[]): Promise<readonly StoredAccount[]> => {
  const rows = await tx.query<Row>(
    `select ${COLUMNS} from alerting.account
        where (tenant_id, account_id) in (select * from unnest($1::text[], $2::text[]))
        order by tenant_id, account_id for update`,
    keyParams(keys),
  )
  return rows.map(toAccount)
}

/** The account's row, locked; undefined when alerting has never seen it. */
export const lockAccount = async (tx: Sql, key: AccountKey): Promise<StoredAccount | undefined> => {
  const [row] = await tx.query<Row>(
    `select ${COLUMNS} from alerting.account where tenant_id = $1 and account_id = $2 for update`,
    [key.tenantId, key.accountId],
  )
  return row && toAccount(row)
}

/** Locks accounts that are due, longest first. Skips accounts locked by another replica. */
export const claimDueAccounts = async (tx: Sql, now: number, limit: number): Promise<readonly StoredAccount[]> => {
  const rows = await tx.query<Row>(
    `select ${COLUMNS} from alerting.account where next_check_at <= to_timestamp($1::double precision / 1000)
      order by next_check_at limit $2 for update skip locked`,
    [now, limit],
  )
  return rows.map(toAccount)
}

/** Deletes rows that only old changes of erased accounts made: a row holds the account's id. */
export const deleteAccounts = async (tx: Sql, keys: readonly AccountKey[]): Promise<void> => {
  if (keys.length === 0) return
  await tx.query(
    `delete from alerting.account where (tenant_id, account_id) in (select * from unnest($1::text[], $2::text[]))`,
    [keys.map((key) => key.tenantId), keys.map((key) => key.accountId)],
  )
}

/** Forgets all other traits: a change older than a user's erasure may be evaluated after it. */
export const forgetTraits = async (
  tx: Sql,
  left: readonly (AccountKey & { readonly traits: object })[],
): Promise<void> => {
  for (const { tenantId, accountId, traits } of left) {
    await tx.query('select alerting.forget_traits($1, $2, $3::jsonb)', [tenantId, accountId, JSON.stringify(traits)])
  }
}

export type AccountToSave = StoredAccount & { readonly nextCheckAt: number | null }

export const saveAccounts = async (tx: Sql, accounts: readonly AccountToSave[]): Promise<void> => {
  if (accounts.length === 0) return
  await tx.query(
    `update alerting.account as a
        set sequence = n.sequence, seen = n.seen, states = n.states, next_check_at = to_timestamp(n.due / 1000),
            silent = n.silent, quiet_at = to_timestamp(n.quiet / 1000)
       from json_to_recordset($1::json) as n(
         tenant text, account text, sequence bigint, seen jsonb, states jsonb, due double precision, silent boolean,
         quiet double precision)
      where a.tenant_id = n.tenant and a.account_id = n.account`,
    // One text for all: the documents within are escaped by nobody.
    [JSON.stringify(accounts.map(toSaved))],
  )
}

const toSaved = ({ tenantId, accountId, sequence, seen, states, nextCheckAt }: AccountToSave) => {
  const { silent, inactiveAt } = seen ? inactivityOf(seen.facts, seen.at) : { silent: false, inactiveAt: null }
  return {
    tenant: tenantId,
    account: accountId,
    sequence,
    seen,
    states: packStates(states),
    due: nextCheckAt,
    silent,
    quiet: inactiveAt,
  }
}

/** A rule has changed: all seen accounts of the tenant are due. Locks as `lockAccounts` does. */
export const checkAllAccounts = async (tx: Sql, tenantId: string, now: number): Promise<void> => {
  await tx.query(
    `with locked as (
       select account_id from alerting.account where tenant_id = $1 and seen is not null order by account_id for update)
     update alerting.account as a set next_check_at = to_timestamp($2::double precision / 1000)
       from locked where a.tenant_id = $1 and a.account_id = locked.account_id`,
    [tenantId, now],
  )
}
