import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rule } from '../../../../tests/support/alerting/alert-script.ts'
import type { MuteContext, Operations } from '../alert/decide-notification.ts'
import { FIRST_STATE, type Rule, type RuleState } from '../alert/rule.ts'
import { decideEscalation } from './escalate.ts'

const HOUR = 3_600_000
const T0 = Date.parse('2026-11-25T12:00:00.000Z')
const grave = rule({ severity: 'critical', when: { fact: 'score', op: '<', value: 25 } })
const firing: RuleState = {
  ...FIRST_STATE,
  phase: 'firing',
  since: T0,
  episode: 1,
  firedAt: T0,
  toldAt: T0,
  told: true,
}
const muteContextOf = (operations: Partial<Operations> = {}, muteContext: Partial<MuteContext> = {}): MuteContext => ({
  subject: { accountId: 'a', ownerId: null, traits: {} },
  silences: [],
  inhibitedBy: null,
  backfill: false,
  operations: {
    outage: false,
    holdMs: 0,
    quiet: null,
    escalation: { afterMs: HOUR, severities: ['critical'] },
    ...operations,
  },
  ...muteContext,
})
const decide = (at: number, state: Partial<RuleState> = {}, muteContext = muteContextOf(), tried: Rule = grave) =>
  decideEscalation(tried, { ...firing, ...state }, muteContext, at)

test('an alert is due to be escalated its time after it was notified', () => {
  expect(decide(T0 + HOUR - 1)).toEqual({ due: false, lookAt: T0 + HOUR })
  expect(decide(T0 + HOUR)).toEqual({ due: true })
})

const NEVER = { due: false, lookAt: null }
test.each<[string, Partial<RuleState>, MuteContext?, Rule?]>([
  ['is acknowledged', { acknowledgedAt: T0 + 1 }],
  ['was escalated before', { escalatedAt: T0 + HOUR }],
  ['was not notified', { told: false, muted: 'outage' }],
  ['was closed by hand', { closed: true }],
  ['recovers', { phase: 'recovering' }],
  ['is of a severity that is not escalated', {}, muteContextOf(), { ...grave, severity: 'warning' }],
  ['is about a moment', {}, muteContextOf(), { ...grave, momentary: true }],
  ['is an opportunity', {}, muteContextOf(), { ...grave, tells: 'opportunity' }],
  ['has no policy', {}, muteContextOf({ escalation: null })],
])('an alert that %s is not escalated', (_, state, muteContext, tried) => {
  expect(decide(T0 + 9 * HOUR, state, muteContext, tried)).toEqual(NEVER)
})

test('what mutes an alert puts its escalation off until that ends', () => {
  const silence = { startsAt: T0, endsAt: T0 + 5 * HOUR, matcher: {} }
  expect(decide(T0 + 2 * HOUR, {}, muteContextOf({}, { silences: [silence] }))).toEqual({
    due: false,
    lookAt: T0 + 5 * HOUR,
  })
  expect(decide(T0 + 2 * HOUR, { snoozedUntil: T0 + 3 * HOUR })).toEqual({ due: false, lookAt: T0 + 3 * HOUR })
  const quiet = { timeZone: 'UTC', hours: { from: 13 * 60, to: 16 * 60 }, quietDays: [], criticalPasses: false }
  expect(decide(T0 + HOUR, {}, muteContextOf({ quiet }))).toEqual({ due: false, lookAt: T0 + 4 * HOUR })
})

test('an evaluation at the announced instant finds the escalation due, an earlier one does not', () => {
  fc.assert(
    fc.property(fc.nat(3 * HOUR), fc.nat(9 * HOUR), (waited, snoozed) => {
      const state = { snoozedUntil: T0 + snoozed }
      const decision = decide(T0 + waited, state)
      if (decision.due) expect(waited).toBeGreaterThanOrEqual(HOUR)
      else {
        expect(decision.lookAt).toBeGreaterThan(T0 + waited)
        const next = decide(decision.lookAt!, state)
        expect(next.due || next.lookAt! > decision.lookAt!).toBe(true)
      }
    }),
  )
})
