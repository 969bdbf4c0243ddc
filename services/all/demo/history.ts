import { toInstant } from '#libs/runtime/clock.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#libs/runtime/durations.ts'
import type { DemoAccount } from './portfolio.ts'
import { createRandom, type Random } from './random.ts'

export type DemoEvent = {
  readonly id: string
  readonly source: string
  readonly type: string
  readonly accountId: string
  readonly userId?: string
  readonly occurredAt: string
  readonly properties: Readonly<Record<string, unknown>>
  readonly mode: 'live' | 'backfill'
}

const HISTORY_DAYS = 56
const FADING_DAYS = 42
export const FEATURES = ['reports', 'dashboards', 'exports', 'automations', 'search']

const between = (random: Random, [min, max]: readonly [number, number]): number => random.integer(min, max)

type Write = (type: string, atMs: number, properties: Record<string, unknown>, userId?: string) => void

const writerOf =
  (account: DemoAccount, events: DemoEvent[]): Write =>
  (type, atMs, properties, userId) =>
    void events.push({
      id: `history-${account.accountId}-${events.length}`,
      source: 'demo-history',
      type,
      accountId: account.accountId,
      ...(userId ? { userId } : {}),
      occurredAt: toInstant(atMs),
      properties,
      mode: 'backfill',
    })

/** Share of the usual days with activity: 1, or sinking to nearly 0 for a fading account. */
const presence = (account: DemoAccount, daysAgo: number): number =>
  account.character === 'fading' && daysAgo < FADING_DAYS ? 0.03 + (daysAgo / FADING_DAYS) ** 3 : 1

/** Range of the answers to surveys, and of the days since the last call. */
const ANSWERS = { thriving: [8, 10], quiet: [6, 8], fading: [6, 7] } as const
const CALLED_DAYS_AGO = { thriving: [5, 40], quiet: [30, 55], fading: [40, 55] } as const

const writeWorkingDays = (account: DemoAccount, nowMs: number, random: Random, write: Write): void => {
  for (let daysAgo = HISTORY_DAYS; daysAgo >= 1; daysAgo--) {
    const dayMs = nowMs - daysAgo * DAY_MS
    for (const userId of account.users) {
      if (random.next() > account.zeal * presence(account, daysAgo)) continue
      const atMs = dayMs + random.integer(0, 8 * 60) * MINUTE_MS
      write('Feature Used', atMs, { feature: random.pick(FEATURES), core: true }, userId)
    }
  }
}

/** Trouble: three tickets in three weeks, one late and one still open. */
const writeTickets = (nowMs: number, write: Write): void => {
  for (const [ticketId, daysAgo] of [
    ['t-1', 20],
    ['t-2', 12],
    ['t-3', 5],
  ] as const) {
    const priority = ticketId === 't-3' ? 'high' : 'normal'
    write('Support Ticket Opened', nowMs - daysAgo * DAY_MS, { ticketId, priority, category: 'exports' })
    const slaBreached = ticketId === 't-1'
    if (priority !== 'high') write('Support Ticket Resolved', nowMs - (daysAgo - 2) * DAY_MS, { ticketId, slaBreached })
  }
}

/** Eight weeks of an account: subscription, first value, usage, surveys, a call. */
export const historyOf = (account: DemoAccount, index: number, nowMs: number): DemoEvent[] => {
  const random = createRandom(1_000 + index)
  const events: DemoEvent[] = []
  const write = writerOf(account, events)
  const startMs = nowMs - HISTORY_DAYS * DAY_MS - HOUR_MS
  const renewalDate = toInstant(nowMs + random.integer(120, 300) * DAY_MS).slice(0, 10)
  const { name, plan, seats, mrr, ownerId } = account
  write('group', startMs, { name, plan, seats, mrr, ownerId, renewalDate, industry: name.split(' ')[1] })
  write('Subscription Started', startMs, { subscriptionId: 'main', plan, mrr, termMonths: 12, renewalDate })
  write('Value Realized', startMs + 4 * DAY_MS, { goalId: 'first-report' }, account.users[0])
  write('Champion Changed', startMs + 5 * DAY_MS, { to: account.users[0], role: 'admin' })
  write('Touchpoint Logged', nowMs - between(random, CALLED_DAYS_AGO[account.character]) * DAY_MS, { kind: 'call' })
  for (const userId of account.users.slice(0, 3))
    write(
      'NPS Responded',
      nowMs - random.integer(20, 50) * DAY_MS,
      { score: between(random, ANSWERS[account.character]) },
      userId,
    )
  if (account.character === 'fading') writeTickets(nowMs, write)
  write('Invoice Paid', nowMs - 30 * DAY_MS, { invoiceId: 'first', amount: mrr })
  writeWorkingDays(account, nowMs, random, write)
  return events
}
