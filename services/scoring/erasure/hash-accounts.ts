import type { Tombstones } from '#libs/access/tombstones.ts'
import type { Database } from '#libs/postgres/database.ts'
import { HOUR_MS } from '#libs/runtime/durations.ts'
import type { UpkeepTask } from '#libs/runtime/upkeep.ts'
import { listUnhashedAccounts, writeAccountHashes } from './erasure-store.ts'

type Deps = { readonly database: Database; readonly tombstones: Tombstones }

/**
 * Gives accounts of former releases the hash that new ones are born with: by it a person finds the
 * accounts whose erasures must be repeated after a restore.
 */
export const hashAccounts = ({ database, tombstones }: Deps): UpkeepTask => ({
  name: 'hashes of accounts',
  everyMs: HOUR_MS,
  chunk: async (limit) => {
    const keys = await listUnhashedAccounts(database, limit)
    return writeAccountHashes(database, keys, keys.map(tombstones.ofAccount))
  },
})
