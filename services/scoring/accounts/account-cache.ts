import type { Account } from '../core/account/account.ts'
import { accountBytes } from '../core/account/memory-estimate.ts'

/**
 * Accounts kept in memory between flushes, the longest unused dropped first. One that a flush under way holds is never dropped:
 * the database does not have it yet. What is dropped by mistake only costs a read, since every write compares versions.
 */
export type AccountCache = {
  readonly get: (key: string) => Account | undefined
  readonly put: (key: string, account: Account) => void
  readonly drop: (key: string) => void
  readonly size: () => number
  /** About how many bytes of memory they take. */
  readonly bytes: () => number
  /** Counts anew what accounts take that a flush has let go of, and drops down to the bound. */
  readonly settle: (accounts: readonly Account[]) => void
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
    get: (key) => {
      const account = accounts.get(key)
      if (account === undefined) return undefined
      // A Map keeps the order of insertion: back in means youngest.
      accounts.delete(key)
      accounts.set(key, account)
      return account
    },
    put: (key, account) => {
      drop(key)
      measure(account, accountBytes(account))
      accounts.set(key, account)
    },
    drop,
    size: () => accounts.size,
    bytes: () => bytes,
    settle: (touched) => {
      // One that was dropped meanwhile is none of the cache's any more.
      for (const account of touched) if (account.cachedBytes > 0) measure(account, accountBytes(account))
      for (const [key, account] of accounts) {
        if (bytes <= maxBytes) break
        if (account.inFlight === 0) drop(key)
      }
    },
  }
}
