/**
 * Local days of a user (numbers of Zone.dayOf), -1 = never. An account may have 100,000 users, so
 * they live outside its state in pages; the state keeps the counts a score needs.
 */
export type UserDays = { readonly activeDay: number; readonly coreDay: number }

/** The users of one account. `get` throws for a page that is not loaded: see `usersTouchedBy`. */
export type UserActivity = {
  readonly get: (userId: string) => UserDays | undefined
  readonly set: (userId: string, days: UserDays) => void
}

/** All users in memory: for tests, as-of views and rebuilds. */
export const createMemoryUserActivity = (): UserActivity & { readonly entries: () => Iterable<[string, UserDays]> } => {
  const users = new Map<string, UserDays>()
  return {
    get: (userId) => users.get(userId),
    set: (userId, days) => void users.set(userId, days),
    entries: () => users.entries(),
  }
}
