import { expect, test } from 'vitest'
import { matchesEndpoint, type Subject } from './matches-endpoint.ts'
import { slackMessage } from './slack-message.ts'

const subject: Subject = {
  type: 'alert.firing',
  severity: 'critical',
  ownerId: 'kim',
  accountId: 'acme',
  traits: { plan: 'enterprise', seats: 40, tags: ['a'] },
}

test('an endpoint without types and filter gets everything', () => {
  expect(matchesEndpoint({ eventTypes: [], filter: {} }, subject)).toBe(true)
})

test.each([
  ['type', { eventTypes: ['alert.firing'], filter: {} }, true],
  ['another type', { eventTypes: ['alert.resolved'], filter: {} }, false],
  ['severity', { eventTypes: [], filter: { severity: ['warning', 'critical'] } }, true],
  ['another severity', { eventTypes: [], filter: { severity: 'warning' } }, false],
  ['owner', { eventTypes: [], filter: { ownerId: 'kim' } }, true],
  ['another owner', { eventTypes: [], filter: { ownerId: ['lee'] } }, false],
  ['account', { eventTypes: [], filter: { accountId: ['acme', 'globex'] } }, true],
  ['trait', { eventTypes: [], filter: { traits: { plan: 'enterprise', seats: 40 } } }, true],
  ['one of several values of a trait', { eventTypes: [], filter: { traits: { seats: ['10', '40'] } } }, true],
  ['another value of a trait', { eventTypes: [], filter: { traits: { plan: 'enterprise', seats: 41 } } }, false],
  ['a trait the account lacks', { eventTypes: [], filter: { traits: { region: 'eu' } } }, false],
  ['a name every object has', { eventTypes: [], filter: { traits: { constructor: 'x' } } }, false],
  ['a trait that is no plain value', { eventTypes: [], filter: { traits: { tags: 'a' } } }, false],
])('%s decides', (_, subscription, expected) => {
  expect(matchesEndpoint(subscription, subject)).toBe(expected)
})

test('a notification without severity, owner or account does not match a filter on it', () => {
  const bare = { ...subject, severity: null, ownerId: null, accountId: null }
  for (const filter of [{ severity: 'critical' }, { ownerId: 'kim' }, { accountId: 'acme' }])
    expect(matchesEndpoint({ eventTypes: [], filter }, bare)).toBe(false)
})

test('Slack gets one line that a person can read, in which no name can ring a channel', () => {
  const body = {
    data: { alert: { ruleId: 'at_risk_entered' }, health: { score: 47.1, previousScore: 55.2, band: 'at_risk' } },
  }
  const { text } = slackMessage({ type: 'alert.firing', accountId: '<!channel> & co', severity: 'warning', body })
  expect(text).toBe(
    ':large_yellow_circle: *alert.firing* account *&lt;!channel&gt; &amp; co* rule `at_risk_entered` score 55.2 → 47.1 (at_risk)',
  )
})

test('several alerts are a line each, and those beyond ten are counted', () => {
  const alert = { accountId: 'a<b', ruleId: 'silence', severity: 'warning', state: 'firing' }
  const data = { ownerId: 'kim', count: 14, alerts: Array.from({ length: 12 }, () => alert) }
  const lines = slackMessage({ type: 'alert.grouped', accountId: null, severity: null, body: { data } }).text.split(
    '\n',
  )
  expect(lines.slice(0, 3)).toEqual([
    ':information_source: *alert.grouped*',
    '14 alerts of *kim*',
    ':large_yellow_circle: account *a&lt;b* rule `silence` firing',
  ])
  expect(lines.slice(12)).toEqual(['and 4 more'])
})
