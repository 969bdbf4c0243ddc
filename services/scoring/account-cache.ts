import type { Account } from './core/account.ts'

/**
 * Accounts kept in memory between flushes, the longest unused dropped first. One that a flush under way holds is never dropped:
 * the database does not have it yet. What is dropped by mistake only costs a read, since every write compares versions.
 */
export type AccountCache = {
  readonly get: (key: string) => Account | undefined
  readonly put: (key: string, account: Account) => void
  readonly drop: (key: string) => void
  readonly size: () => number
  /** Drops down to the bounds. */
  readonly trim: () => void
}

export type CacheBounds = { readonly maxAccounts: number; readonly maxIds: number }

export const createAccountCache = (bounds: CacheBounds): AccountCache => {
  const accounts = new Map<string, Account>()
  let ids = 0
  const drop = (key: string): void => {
    const account = accounts.get(key)
    if (account === undefined) return
    ids -= account.cachedIds
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
      account.cachedIds = account.ids.size()
      ids += account.cachedIds
      accounts.set(key, account)
    },
    drop,
    size: () => accounts.size,
    trim: () => {
      for (const [key, account] of accounts) {
        if (accounts.size <= bounds.maxAccounts && ids <= bounds.maxIds) break
        if (account.inFlight === 0) drop(key)
      }
    },
  }
}
