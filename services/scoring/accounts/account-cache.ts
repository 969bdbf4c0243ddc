import { type AccountKey, accountKey } from '#libs/contracts/topics.ts'
import type { Account } from '../core/account/account.ts'
import { accountBytes } from '../core/account/memory-estimate.ts'

/**
 * Accounts in memory between flushes. Dropping one costs a read: every write compares versions. An
 * account serves one partition. A failed flush fails the flushes behind it in its partition, and
 * none of another: a flush of another would stand on counts that were never written, under a
 * version that somebody else may write.
 */
export type AccountCache = {
  /** The partition's account, in flight: it stays, since the database does not have it yet. */
  readonly take: (key: string, partition: number) => Account | undefined
  /** Adds an account that was read; it is in flight. */
  readonly put: (account: Account, partition: number) => void
  readonly drop: (key: AccountKey) => void
  readonly clear: () => void
  /** Ends the flight, measures the accounts anew, drops the longest unused down to the bound. */
  readonly release: (accounts: readonly Account[]) => void
  readonly size: () => number
}

export const createAccountCache = (maxBytes: number): AccountCache => {
  const accounts = new Map<string, Account>()
  let bytes = 0
  const measure = (account: Account, takes: number): void => {
    bytes += takes - account.cachedBytes
    account.cachedBytes = takes
  }
  const drop = (key: string): void => {
    const account = accounts.get(key)
    if (account === undefined) return
    measure(account, 0)
    accounts.delete(key)
  }
  return {
    take: (key, partition) => {
      const account = accounts.get(key)
      if (account?.partition !== partition) return undefined
      account.inFlight++
      // A Map keeps the order of insertion: the account becomes the youngest.
      accounts.delete(key)
      accounts.set(key, account)
      return account
    },
    put: (account, partition) => {
      const key = accountKey(account.tenantId, account.accountId)
      drop(key)
      account.partition = partition
      account.inFlight++
      measure(account, accountBytes(account))
      accounts.set(key, account)
    },
    drop: ({ tenantId, accountId }) => drop(accountKey(tenantId, accountId)),
    clear: () => {
      for (const key of [...accounts.keys()]) drop(key)
    },
    release: (released) => {
      for (const account of released) {
        account.inFlight--
        // An account that was dropped in the meantime no longer belongs to the cache.
        if (account.cachedBytes > 0) measure(account, accountBytes(account))
      }
      for (const [key, account] of accounts) {
        if (bytes <= maxBytes) break
        if (account.inFlight === 0) drop(key)
      }
    },
    size: () => accounts.size,
  }
}
