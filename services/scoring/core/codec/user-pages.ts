import type { UserActivity, UserDays } from '../state/fold-activity.ts'
import { createPages, type Pages } from '../state/pages.ts'

/** A separator that no user id holds: NUL is refused at every door. */
const SEPARATOR = '\0'

export type UserPages = Pages<number> & UserActivity & { readonly entries: () => Iterable<[string, UserDays]> }
type Own = Pick<UserPages, 'get' | 'set' | 'entries'>

/** Two day numbers in one number; "never" (-1) is kept as 0. */
const pack = (days: UserDays): number => (days.activeDay + 1) * 65_536 + (days.coreDay + 1)
const unpack = (packed: number): UserDays => ({
  activeDay: Math.floor(packed / 65_536) - 1,
  coreDay: (packed % 65_536) - 1,
})

const encode = (users: ReadonlyMap<string, number>): string => {
  let text = ''
  for (const [userId, packed] of users) text += `${userId}${SEPARATOR}${packed}${SEPARATOR}`
  return Buffer.from(text).toString('latin1')
}

const decode = (bytes: string): Map<string, number> => {
  const users = new Map<string, number>()
  const parts = Buffer.from(bytes, 'latin1').toString().split(SEPARATOR)
  for (let i = 0; i + 1 < parts.length; i += 2) users.set(parts[i]!, Number(parts[i + 1]))
  return users
}

const users = createPages<number, Own>(
  { kind: 'user', perPage: 128, staysOpen: true, encode, decode },
  {
    get(userId) {
      const packed = this.entry(userId)
      return packed === undefined ? undefined : unpack(packed)
    },
    set(userId, days) {
      this.put(userId, pack(days))
    },
    *entries() {
      for (const [userId, packed] of this.stored()) yield [userId, unpack(packed)]
    },
  },
)

export const createUserPages = users.create
export const relayUserPages = users.relay
export const pageBitsFor = users.bitsFor
