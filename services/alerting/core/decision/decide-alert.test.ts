import { expect, test } from 'vitest'
import { belowFifty, createAlertScript, DAY, facts, rule } from '../../../../tests/support/alerting/alert-script.ts'
import { decideOperatorAction } from '../alert/operator-action.ts'

test('a fall below the line fires at once and a recovery beyond the margin resolves', () => {
  const script = createAlertScript(belowFifty())
  expect(script.see(60)).toEqual([])
  expect(script.see(49)).toEqual([['firing', 'crossed', true]])
  expect(script.see(30)).toEqual([])
  expect(script.see(55)).toEqual([])
  expect(script.see(58)).toEqual([['resolved', 'recovered', true]])
  expect(script.state().episode).toBe(1)
})

test('an account that hovers on the line notifies once', () => {
  const script = createAlertScript(belowFifty())
  const told = [60, 49, 51, 49.9, 50.1, 49, 57.9, 48].flatMap((score) => script.see(score))
  expect(told).toEqual([['firing', 'crossed', true]])
})

test('an account first seen below the line is a crossing with its own reason', () => {
  const script = createAlertScript(belowFifty())
  expect(script.see(40)).toEqual([['firing', 'first_known_below', true]])
})

test('a dwell makes it pending first, and a fall that does not last never notifies', () => {
  const script = createAlertScript(belowFifty({ dwellMs: 2 * DAY }))
  script.see(60)
  expect(script.see(49)).toEqual([['pending', 'crossed', 'not_for_telling']])
  script.wait(DAY)
  expect(script.see(51)).toEqual([['resolved', 'not_sustained', 'never_told']])
  script.see(49)
  expect(script.wait(2 * DAY - 1)).toEqual([])
  expect(script.wait(1)).toEqual([['firing', 'sustained', true]])
  expect(script.state().episode).toBe(2)
})

test('a recovery with a dwell is recovering first and falls back into the same episode', () => {
  const script = createAlertScript(belowFifty({ recoverDwellMs: DAY }))
  script.see(60)
  script.see(40)
  expect(script.see(70)).toEqual([['recovering', 'recovery_seen', 'not_for_telling']])
  expect(script.see(45)).toEqual([['firing', 'relapsed', 'not_for_telling']])
  script.see(70)
  expect(script.wait(DAY)).toEqual([['resolved', 'recovered', true]])
  expect(script.state().episode).toBe(1)
})

test('a crossing within the cooldown notifies when the cooldown ends, if it still fires', () => {
  const script = createAlertScript(belowFifty())
  script.see(60)
  script.see(40)
  script.wait(DAY)
  script.see(60)
  script.wait(DAY)
  expect(script.see(40)).toEqual([['firing', 'crossed', 'cooldown']])
  expect(script.wait(5 * DAY - 1)).toEqual([])
  expect(script.wait(1)).toEqual([['reminder', 'cooldown_over', true]])
})

test('a short relapse within the cooldown is not notified, nor is its recovery', () => {
  const script = createAlertScript(belowFifty())
  script.see(60)
  script.see(40)
  script.see(60)
  expect(script.see(40)).toEqual([['firing', 'crossed', 'cooldown']])
  expect(script.see(60)).toEqual([['resolved', 'recovered', 'never_told']])
})

test('an alert notifies again every 14 days while it fires, until somebody acknowledges it', () => {
  const script = createAlertScript(belowFifty())
  script.see(40)
  expect(script.wait(28 * DAY)).toEqual([
    ['reminder', 'still_firing', true],
    ['reminder', 'still_firing', true],
  ])
  script.action({ do: 'acknowledge' })
  expect(script.wait(14 * DAY)).toEqual([['reminder', 'still_firing', 'acknowledged']])
  expect(script.see(70)).toEqual([['resolved', 'recovered', true]])
})

test('a snoozed alert says nothing until the snooze ends, then speaks again', () => {
  const script = createAlertScript(belowFifty())
  script.see(40)
  script.action({ do: 'snooze', until: script.now() + 20 * DAY })
  expect(script.wait(20 * DAY - 1)).toEqual([['reminder', 'still_firing', 'snoozed']])
  expect(script.wait(1)).toEqual([['reminder', 'snooze_over', true]])
})

test('resolved by hand, it stays closed until a recovery and a new fall', () => {
  const script = createAlertScript(belowFifty({ cooldownMs: 0 }))
  script.see(40)
  expect(script.action({ do: 'resolve' })).toEqual([['resolved', 'by_hand', true]])
  expect(script.see(39)).toEqual([])
  expect(script.wait(30 * DAY)).toEqual([])
  expect(script.see(60)).toEqual([])
  expect(script.see(40)).toEqual([['firing', 'crossed', true]])
  expect(decideOperatorAction(script.state(), 1, { do: 'acknowledge' }, script.now()).done).toBe(false)
})

test('insufficient data mutes threshold rules and never hard signals', () => {
  const threshold = createAlertScript(belowFifty())
  threshold.see(60)
  expect(threshold.seeFacts(facts({ score: 20, band: 'insufficient_data' }))).toEqual([])
  expect(threshold.state().phase).toBe('no_data')
  const hard = createAlertScript(rule({ kind: 'hard_signal', when: { fact: 'paymentFailedDays', op: 'known' } }))
  expect(hard.seeFacts(facts({ paymentFailedDays: 0, band: 'insufficient_data' }))).toEqual([
    ['firing', 'crossed', true],
  ])
})

test('an unknown fact ends no alert and sends no reminder', () => {
  const script = createAlertScript(belowFifty())
  script.see(40)
  expect(script.seeFacts(facts({ score: null, band: 'insufficient_data' }))).toEqual([])
  expect(script.wait(30 * DAY)).toEqual([])
  expect(script.see(41)).toEqual([['reminder', 'still_firing', true]])
})

test('backfill opens its episode silently, and only a recovery and a new fall notify', () => {
  const script = createAlertScript(belowFifty())
  expect(script.see(40, { backfill: true })).toEqual([['firing', 'first_known_below', 'backfill']])
  expect(script.see(39)).toEqual([])
  expect(script.wait(40 * DAY)).toEqual([])
  expect(script.see(60)).toEqual([['resolved', 'recovered', 'never_told']])
  expect(script.see(40)).toEqual([['firing', 'crossed', true]])
})

test('an alert that a silence muted is notified when the silence ends, if the alert still fires', () => {
  const script = createAlertScript(belowFifty())
  script.see(60)
  const silence = { startsAt: script.now(), endsAt: script.now() + 3 * DAY, matcher: { severity: 'warning' as const } }
  script.silence(silence)
  expect(script.see(40)).toEqual([['firing', 'crossed', 'silenced']])
  expect(script.wait(3 * DAY)).toEqual([['reminder', 'silenced_over', true]])
})

test('a muting rule that fires keeps this one untold, until it ends', () => {
  const script = createAlertScript(belowFifty())
  script.see(60)
  expect(script.see(20, { inhibitedBy: 'critical_entered' })).toEqual([['firing', 'crossed', 'inhibited']])
  expect(script.see(40)).toEqual([['reminder', 'inhibited_over', true]])
})

test('a moment notifies once and is closed', () => {
  const back = rule({
    momentary: true,
    when: {
      all: [
        { fact: 'band', op: 'in', values: ['watch', 'healthy'] },
        { previously: { fact: 'band', op: 'in', values: ['at_risk', 'critical'] } },
      ],
    },
    reminderMs: null,
  })
  const script = createAlertScript(back)
  expect(script.seeFacts(facts({ band: 'healthy' }))).toEqual([])
  expect(script.seeFacts(facts({ band: 'at_risk' }))).toEqual([])
  expect(script.seeFacts(facts({ band: 'insufficient_data' }))).toEqual([])
  expect(script.seeFacts(facts({ band: 'watch' }))).toEqual([
    ['firing', 'crossed', true],
    ['resolved', 'momentary', 'not_for_telling'],
  ])
  expect(script.seeFacts(facts({ band: 'healthy' }))).toEqual([])
})

test('a rule that no longer applies ends its alert and says why', () => {
  const script = createAlertScript(belowFifty({ filter: { stages: ['adoption'] } }))
  script.see(40)
  expect(script.seeFacts(facts({ score: 40, stage: 'churned' }))).toEqual([['resolved', 'left_out', true]])
})
