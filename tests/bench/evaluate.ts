import { createZone } from '#libs/time/time-zone.ts'
import { replay } from '../../services/scoring/core/account/replay.ts'
import { evaluate } from '../../services/scoring/core/evaluation/evaluate.ts'
import type { CountedEvent } from '../../services/scoring/core/events/event.ts'
import { compileModel } from '../../services/scoring/core/models/model.ts'
import { foldEvent } from '../../services/scoring/core/state/fold.ts'
import { loadDefaultModel } from '../../services/scoring/models/model-document.ts'
import type { Figure, Run } from './bench-run.ts'

const DAY_MS = 86_400_000
const USERS = 50
const DAYS = 100
export const NOW = Date.parse('2026-11-22T12:00:00.000Z')
const PASSES = 20

let made = 0
const event = (
  type: string,
  daysAgo: number,
  properties: Readonly<Record<string, unknown>> = {},
  userId: string | null = null,
): CountedEvent => {
  const occurredAt = NOW - daysAgo * DAY_MS
  return { id: `e-${made++}`, source: 'backend', type, userId, occurredAt, receivedAt: occurredAt, properties }
}

/**
 * An account of 50 users with something to measure for every factor but those of onboarding, which
 * it left.
 */
export const history = (): CountedEvent[] => [
  event('group', DAYS, { plan: 'pro', seats: 60, mrr: 120_000 }),
  event('Value Realized', DAYS, {}, 'user-0'),
  event('Subscription Started', DAYS, { renewalDate: '2027-01-31', termMonths: 12, mrr: 120_000 }),
  ...Array.from({ length: DAYS * 10 }, (_, i) =>
    event('Feature Used', i / 10, { feature: `f-${i % 8}`, core: i % 2 === 0 }, `user-${i % USERS}`),
  ),
  ...Array.from({ length: 6 }, (_, i) =>
    event('Support Ticket Opened', i * 6, { ticketId: `t-${i}`, priority: 'high' }),
  ),
  ...Array.from({ length: 5 }, (_, i) => event('Support Ticket Resolved', i * 6 - 1, { ticketId: `t-${i}` })),
  ...Array.from({ length: 10 }, (_, i) => event('NPS Responded', i * 9, { score: i }, `user-${i}`)),
  ...Array.from({ length: 5 }, (_, i) => event('CSAT Responded', i * 9, { score: 4 }, `user-${i}`)),
  event('Touchpoint Logged', 20, { kind: 'qbr' }),
  event('Champion Changed', 50, { to: 'user-1' }),
  event('Invoice Paid', 12, { invoiceId: 'i-1' }),
]

/**
 * The pure evaluation of one account, each after one more event of the most frequent kind, whose
 * own cost is left out.
 */
export const evaluateAccount = async (run: Run): Promise<Figure> => {
  const model = compileModel(loadDefaultModel())
  const zone = createZone('UTC')
  const counters = replay(history(), { model, zone }, NOW)
  const { state } = counters
  const each = Math.ceil(run.sizes.evaluations / PASSES)
  const sources = new Map()
  let points = 0
  let best = Number.POSITIVE_INFINITY
  for (let pass = 0; pass < PASSES; pass++) {
    let spentMs = 0
    for (let i = 0; i < each; i++) {
      const at = NOW + (pass * each + i) * 10
      const used = event('Feature Used', 0, { feature: 'f-1', core: true }, `user-${i % USERS}`)
      foldEvent(counters, { ...used, occurredAt: at }, { model, zone, now: at })
      const startedAt = performance.now()
      points += evaluate({ state, model, zone, at, previousBand: 'watch', override: null, sources }).score!
      spentMs += performance.now() - startedAt
    }
    best = Math.min(best, spentMs)
  }
  if (!(points > 0)) throw new Error('the account has no score')
  return { bench: 'evaluate', eachUs: (best * 1_000) / each }
}
