import { DAY_MS } from '#libs/runtime/durations.ts'

export type SampleEvent = {
  readonly id: string
  readonly source: string
  readonly type: string
  readonly accountId: string
  readonly userId?: string
  readonly occurredAt: string
  readonly mode: 'live' | 'backfill'
  readonly properties: Readonly<Record<string, unknown>>
}

type More = { readonly userId?: string; readonly source?: string; readonly mode?: 'live' | 'backfill' }
type Write = (accountId: string, type: string, daysAgo: number, properties?: object, more?: More) => void

/** Live events may be 32 days old at most; the sample keeps a distance. */
const LIVE_DAYS = 25

const startWriting = (name: string, nowMs: number): { events: SampleEvent[]; write: Write } => {
  const events: SampleEvent[] = []
  const write: Write = (accountId, type, daysAgo, properties = {}, more = {}) =>
    void events.push({
      id: `${name}-${events.length}`,
      source: 'product',
      type,
      accountId,
      occurredAt: new Date(nowMs - Math.round(daysAgo * DAY_MS)).toISOString(),
      mode: daysAgo > LIVE_DAYS ? 'backfill' : 'live',
      properties: properties as Record<string, unknown>,
      ...more,
    })
  return { events, write }
}

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i)

/** Each user's core feature on every second day. */
const useDaily = (write: Write, accountId: string, users: number, [from, to]: readonly [number, number]): void => {
  for (let daysAgo = from; daysAgo >= to; daysAgo -= 2)
    for (const user of numbers(users))
      write(
        accountId,
        'Feature Used',
        daysAgo + user / 100,
        { feature: ['reports', 'exports', 'search'][user % 3], core: user % 2 === 0 },
        { userId: `${accountId}-u${user}` },
      )
}

/** An account with something of every kind. */
const writeFullLife = (write: Write, accountId: string, renewalDate: string): void => {
  const by = (user: number): More => ({ userId: `${accountId}-u${user}` })
  const contract = { plan: 'business', seats: 40, mrr: 240_000, termMonths: 12, autoRenew: false }
  write(accountId, 'Account Created', 60)
  write(accountId, 'group', 60, { ...contract, name: 'Acme Inc.', ownerId: 'maria', industry: 'rail', tier: 'A' })
  write(accountId, 'Subscription Started', 60, { subscriptionId: 'main', ...contract, renewalDate })
  write(accountId, 'Onboarding Started', 59, { steps: ['connect', 'invite'], stepCount: 2 })
  write(accountId, 'Onboarding Step Completed', 57, { stepId: 'connect' }, by(0))
  write(accountId, 'Onboarding Step Completed', 55, { stepId: 'invite' }, by(1))
  write(accountId, 'Value Realized', 54, { goalId: 'first-report' }, by(0))
  write(accountId, 'Onboarding Completed', 53)
  write(accountId, 'Champion Changed', 50, { to: `${accountId}-u0`, role: 'admin' })
  write(accountId, 'identify', 20, { name: 'Ana', favourite: 'grüße 日本' }, by(0))
  write(accountId, 'group', 15, { seats: 44, tier: 'A+' })
  for (const [ticket, daysAgo] of [20, 14, 6].entries()) {
    const ticketId = `t-${ticket}`
    write(
      accountId,
      'Support Ticket Opened',
      daysAgo,
      { ticketId, priority: ticket === 1 ? 'urgent' : 'normal' },
      by(2),
    )
    write(accountId, 'Support Ticket Updated', daysAgo - 1, { ticketId, slaBreached: ticket === 0 })
    write(accountId, 'Support Ticket Resolved', daysAgo - 2, { ticketId })
  }
  write(accountId, 'Support Ticket Reopened', 2, { ticketId: 't-0', priority: 'high' })
  for (const user of numbers(5)) write(accountId, 'NPS Responded', 20 - user, { score: 10 - 2 * user }, by(user))
  for (const user of numbers(6))
    write(accountId, 'CSAT Responded', 18 - user, { score: 5 - (user % 3), scale: 5 }, by(user))
  for (const month of numbers(3))
    write(accountId, 'Invoice Paid', 58 - 20 * month, { invoiceId: `i-${month}`, amount: 240_000 })
  write(accountId, 'Invoice Overdue', 5, { invoiceId: 'i-3', amount: 240_000 })
  write(accountId, 'Subscription Upgraded', 12, { subscriptionId: 'main', plan: 'business', mrr: 264_000 })
  write(accountId, 'Plan Limit Approached', 4, { used: 900, limit: 1_000 })
  write(accountId, 'Touchpoint Logged', 9, { kind: 'call' }, { source: 'crm' })
  write(accountId, 'Review Published', 8, {}, by(0))
  write(accountId, 'Referral Made', 7, {}, by(0))
  write(accountId, 'Cost Recorded', 6, { amount: 1_000 })
  write(accountId, 'Report Scheduled', 3, { every: 'monday' }, by(1))
  useDaily(write, accountId, 12, [60, 1])
}

/** Accounts of which each shows one thing. */
const writeStories = (write: Write): void => {
  write('globex', 'Onboarding Started', 24, { steps: ['connect', 'invite', 'publish'], journeyId: 'main' })
  write('globex', 'Onboarding Step Completed', 22, { stepId: 'connect' }, { userId: 'globex-u0' })
  write('globex', 'Signed In', 21, {}, { userId: 'globex-u0' })
  write('vandelay', 'Onboarding Started', 20, { steps: ['import'] })
  useDaily(write, 'vandelay', 3, [20, 1])

  useDaily(write, 'initech', 4, [40, 1])
  write('initech', 'group', 40, { name: 'Initech', ownerId: 'jonas', plan: 'team', mrr: 49_000 })
  write('initech', 'Payment Failed', 16, { invoiceId: 'late', amount: 49_000 })
  write('initech', 'Subscription Cancel Scheduled', 1, { subscriptionId: 'main', reason: 'price' })
  write('initech', 'NPS Responded', 1, { score: 1, comment: 'exports keep failing' }, { userId: 'initech-u1' })

  for (const [accountId, parentId] of [
    ['hooli', undefined],
    ['hooli-labs', 'hooli'],
    ['hooli-xyz', 'hooli'],
  ] as const) {
    write(accountId, 'group', 45, {
      name: accountId.toUpperCase(),
      plan: 'enterprise',
      seats: 20,
      mrr: 500_000,
      ...(parentId && { parentId }),
    })
    useDaily(write, accountId, 6, [45, 1])
  }

  useDaily(write, 'wayne', 5, [70, 21])
  useDaily(write, 'soylent', 3, [40, 2])
  useDaily(write, 'tyrell', 4, [40, 2])
  write('tyrell', 'Champion Changed', 10, { to: 'tyrell-u1' })
  write('tyrell', 'identify', 9, { nickname: 'only u1 said so' }, { userId: 'tyrell-u1' })
  useDaily(write, 'wonka', 3, [30, 1])
  useDaily(write, 'cyberdyne', 3, [60, 30])
  write('cyberdyne', 'Subscription Started', 60, { subscriptionId: 'a', mrr: 10_000, termMonths: 1 })
  write('cyberdyne', 'Subscription Canceled', 20, { subscriptionId: 'a' })
  write('cyberdyne', 'Account Deleted', 19)
  write('heartbeats', 'Source Heartbeat', 0, { source: 'crm' }, { source: 'crm' })
}

/**
 * So much of one account that it is kept in several pages: more than 256 users, and more than 64
 * tickets, invoices and answers.
 */
const writePages = (write: Write): void => {
  for (const daysAgo of [20, 6, 1])
    for (const user of numbers(300)) {
      if (user % (daysAgo === 6 ? 2 : 1) > 0) continue
      write(
        'umbrella',
        'Feature Used',
        daysAgo + user / 1_000,
        { feature: 'reports', core: true },
        { userId: `person-${user}` },
      )
    }
  useDaily(write, 'stark', 3, [24, 1])
  for (const index of numbers(120)) {
    write('stark', 'Support Ticket Opened', 22 - index / 10, {
      ticketId: `t-${index}`,
      priority: index % 9 === 0 ? 'urgent' : 'low',
    })
    if (index % 3 > 0) write('stark', 'Support Ticket Resolved', 9, { ticketId: `t-${index}` })
    if (index < 60) write('stark', 'Invoice Paid', 24 - index / 10, { invoiceId: `i-${index}` })
    if (index < 90)
      write('stark', 'NPS Responded', 15 - index / 10, { score: index % 11 }, { userId: `stark-u${index}` })
  }
}

/**
 * Everything that is sent before the sample is taken. Same order, same ids, whatever `nowMs` is.
 */
export const createPortfolio = (nowMs: number): SampleEvent[] => {
  const { events, write } = startWriting('first', nowMs)
  writeFullLife(write, 'acme', new Date(nowMs + 70 * DAY_MS).toISOString().slice(0, 10))
  writeStories(write)
  writePages(write)
  return events
}

/** An account that was erased begins anew. */
export const createNewLife = (nowMs: number): SampleEvent[] => {
  const { events, write } = startWriting('anew', nowMs)
  write('soylent', 'group', 0, { name: 'Soylent', plan: 'team' })
  write('soylent', 'Feature Used', 0, { feature: 'reports', core: true }, { userId: 'soylent-u0' })
  return events
}

/**
 * What comes after the sample was taken, into the same accounts: to the version before and to the
 * version after.
 */
export const createSequel = (nowMs: number): SampleEvent[] => {
  const { events, write } = startWriting('sequel', nowMs)
  const hour = 1 / 24
  for (const user of [0, 5, 13])
    write('acme', 'Feature Used', hour, { feature: 'search', core: true }, { userId: `acme-u${user}` })
  write('acme', 'Support Ticket Resolved', 2 * hour, { ticketId: 't-0' })
  write('acme', 'Invoice Paid', hour, { invoiceId: 'i-3' })
  write('globex', 'Onboarding Step Completed', hour, { stepId: 'invite' }, { userId: 'globex-u1' })
  write('initech', 'Subscription Cancel Reverted', hour, { subscriptionId: 'main' })
  write('hooli', 'group', hour, { plan: 'team' })
  for (const user of numbers(310))
    if (user % 7 === 0) write('umbrella', 'Signed In', 2 * hour, {}, { userId: `person-${user}` })
  for (const index of numbers(130))
    if (index % 4 === 0) write('stark', 'Support Ticket Resolved', hour, { ticketId: `t-${index}` })
  for (const index of numbers(95))
    if (index % 9 === 0) write('stark', 'NPS Responded', hour, { score: 9 }, { userId: `stark-u${index}` })
  write('wayne', 'Signed In', hour, {}, { userId: 'wayne-u0' })
  write('tyrell', 'Feature Used', 0, { feature: 'reports', core: true }, { userId: 'tyrell-u2' })
  write('soylent', 'Signed In', 0, {}, { userId: 'soylent-u0' })
  return events
}
