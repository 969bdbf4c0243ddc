import { createRecordSigner } from '#libs/access/record-signer.ts'
import { accountKey } from '#libs/contracts/topics.ts'

export const TENANT = 'default'
/** Of the processes that are measured. */
export const ENCRYPTION_KEY = Buffer.alloc(32, 9)
const signer = createRecordSigner(ENCRYPTION_KEY)
const ACCOUNTS = 20_000
const FEATURES = ['reports', 'export', 'dashboard', 'search', 'api']
const SPREAD_MS = 10 * 60_000

export type MadeEvent = {
  readonly id: string
  readonly source: string
  readonly type: string
  readonly accountId: string
  readonly userId: string
  readonly occurredAt: string
  readonly properties: Readonly<Record<string, unknown>>
}

/** The same numbers in every run (mulberry32). */
const createRandom = (seed: number): (() => number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/**
 * Live events of 20,000 accounts (zipf, exponent 1) of 10 to 50 users, nine of ten `Feature Used`,
 * seen over the last ten minutes; every id is new.
 */
export const createEventMaker = (name: string): ((now: number) => MadeEvent) => {
  const random = createRandom(7)
  let made = 0
  return (now) => {
    const rank = Math.floor(ACCOUNTS ** random())
    const roll = random()
    const common = {
      id: `${name}-${(made++).toString(36).padStart(8, '0')}-${Math.floor(random() * 2 ** 32).toString(36)}`,
      source: 'backend',
      accountId: `account-${rank}`,
      userId: `user-${rank}-${Math.floor(random() * (10 + (rank % 41)))}`,
      occurredAt: new Date(now - Math.floor(random() * SPREAD_MS)).toISOString(),
    }
    if (roll < 0.9) {
      const feature = FEATURES[Math.floor(random() * FEATURES.length)]
      return { ...common, type: 'Feature Used', properties: { feature, quantity: 1, core: random() < 0.5 } }
    }
    if (roll < 0.98) return { ...common, type: 'Signed In', properties: { method: 'password' } }
    if (roll < 0.99)
      return { ...common, type: 'NPS Responded', properties: { score: Math.floor(random() * 11), surveyId: 's-1' } }
    return { ...common, type: 'Support Ticket Opened', properties: { ticketId: common.id, priority: 'normal' } }
  }
}

const recordText = ({ occurredAt, ...event }: MadeEvent, now: number): string =>
  JSON.stringify({ tenantId: TENANT, receivedAt: new Date(now).toISOString(), occurredAt, ...event })

/** As ingest writes it to the log. */
export const toRecord = (event: MadeEvent, now: number) => ({
  key: accountKey(TENANT, event.accountId),
  value: Buffer.from(recordText(event, now)),
  headers: signer.sign('event', TENANT, now),
})
