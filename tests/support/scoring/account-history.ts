import fc from 'fast-check'
import type { Model } from '#libs/contracts/health-model.ts'
import { createZone, type Zone } from '#libs/time/time-zone.ts'
import { replay } from '../../../services/scoring/core/account/replay.ts'
import { type EvaluateInput, evaluate } from '../../../services/scoring/core/evaluation/evaluate.ts'
import type { Evaluation } from '../../../services/scoring/core/evaluation/evaluation.ts'
import { type FactorResult, groupsOf } from '../../../services/scoring/core/evaluation/measurements.ts'
import type { CountedEvent } from '../../../services/scoring/core/events/event.ts'
import { type CompiledModel, compileModel } from '../../../services/scoring/core/models/model.ts'
import { loadDefaultModel } from '../../../services/scoring/models/model-document.ts'

const DAY_MS = 86_400_000
/** "Today" of histories told in days ago: a Sunday noon, UTC. */
export const NOW = Date.parse('2026-11-22T12:00:00.000Z')

export const testModel = (changes: Partial<Model> = {}): CompiledModel =>
  compileModel({ ...loadDefaultModel(), ...changes })

let nextId = 0
/** An event `daysAgo` days before NOW (fractions allowed), or at an instant written out. */
export const event = (
  type: string,
  when: number | string,
  properties: Readonly<Record<string, unknown>> = {},
  userId: string | null = null,
): CountedEvent => {
  const occurredAt = typeof when === 'string' ? Date.parse(when) : NOW - when * DAY_MS
  nextId += 1
  return { id: `event-${nextId}`, source: 'test', type, userId, occurredAt, receivedAt: occurredAt, properties }
}

export type Look = Partial<Omit<EvaluateInput, 'state' | 'zone'>> & { readonly zone?: Zone }

/** The account of these events as of `at` (NOW by default). */
export const look = (events: readonly CountedEvent[], options: Look = {}): Evaluation => {
  const { zone = createZone('UTC'), model = testModel(), at = NOW } = options
  const { state } = replay(events, { model, zone }, at)
  return evaluate({ previousBand: null, override: null, sources: new Map(), ...options, state, model, zone, at })
}

export const factorOf = (evaluation: Evaluation, name: string): FactorResult =>
  groupsOf(evaluation)
    .flatMap(({ factors }) => factors)
    .find(({ factor }) => factor === name)!

/**
 * Days ago of an account that left onboarding long before: value was realised right at its start.
 */
export const settled = (): readonly CountedEvent[] => [event('Value Realized', 300, {}, 'founder')]

const TYPES = [
  'Feature Used',
  'Signed In',
  'Custom Thing',
  'identify',
  'group',
  'Value Realized',
  'Onboarding Started',
  'Onboarding Step Completed',
  'Onboarding Completed',
  'Onboarding Bypassed',
  'Support Ticket Opened',
  'Support Ticket Resolved',
  'Support Ticket Reopened',
  'NPS Responded',
  'CSAT Responded',
  'Subscription Started',
  'Subscription Renewed',
  'Subscription Upgraded',
  'Subscription Cancel Scheduled',
  'Subscription Canceled',
  'Invoice Paid',
  'Payment Failed',
  'Touchpoint Logged',
  'Champion Changed',
  'Plan Limit Approached',
  'Account Deleted',
  'Account Created',
  'Referral Made',
] as const

const properties = fc.record(
  {
    feature: fc.constantFrom('reports', 'export', 'api'),
    core: fc.boolean(),
    seats: fc.integer({ min: 0, max: 30 }),
    mrr: fc.integer({ min: 0, max: 100_000 }),
    plan: fc.constantFrom('pro', 'team'),
    renewalDate: fc.constantFrom('2026-11-30', '2027-01-31', '2026-12-24T23:30:00Z', 'soon'),
    termMonths: fc.constantFrom(1, 12),
    autoRenew: fc.boolean(),
    journeyId: fc.constantFrom('main', 'module'),
    stepId: fc.constantFrom('connect', 'invite', 'publish'),
    steps: fc.constantFrom(['connect', 'invite'], []),
    ticketId: fc.constantFrom('1', '2'),
    invoiceId: fc.constantFrom('1', '2'),
    priority: fc.constantFrom('urgent', 'low'),
    slaBreached: fc.boolean(),
    score: fc.integer({ min: 0, max: 10 }),
    kind: fc.constantFrom('call', 'email'),
    to: fc.constantFrom('ana', 'ben', ''),
    used: fc.integer({ min: 0, max: 9 }),
    limit: fc.integer({ min: 0, max: 9 }),
  },
  { requiredKeys: [] },
)

/** Distinct events of the `days` days before NOW, many of them at one instant. */
export const anyEvents = (days = 200): fc.Arbitrary<CountedEvent[]> =>
  fc
    .array(
      fc.record({
        type: fc.constantFrom(...TYPES),
        userId: fc.constantFrom(null, 'ana', 'ben', 'cy'),
        hoursAgo: fc.oneof(fc.constantFrom(0, 1, 24, 48), fc.integer({ min: 0, max: days * 24 })),
        properties,
      }),
      { maxLength: 60 },
    )
    .map((rows) =>
      rows.map(({ hoursAgo, ...row }, index) => {
        const occurredAt = NOW - hoursAgo * 3_600_000
        return { ...row, id: `e${index}`, source: index % 3 === 0 ? 'web' : 'crm', occurredAt, receivedAt: occurredAt }
      }),
    )
