import { expect, onTestFinished, test } from 'vitest'
import { eventually } from '../../../tests/support/eventually.ts'
import { startScorer, usageRecord } from '../../../tests/support/scoring/scorer.ts'
import { STATE_LAYOUT } from '../core/codec/state-codec.ts'

const SUPPORT = { type: 'Support Ticket Opened', properties: { ticketId: 'T-1', priority: 'urgent' } }

test('an account whose state is of a former layout is folded again from its events, and written in the present one', async () => {
  const { api, database, send, stop } = await startScorer()
  onTestFinished(stop)
  const layoutAt = async (version: number) => {
    const [row] = await database.query<{ layout: number }>(
      'select get_byte(state, 0) as layout from scoring.account where version = $1',
      [version],
    )
    return row?.layout
  }
  await send(usageRecord('acme', SUPPORT))
  await eventually('the ticket is counted', async () => (await layoutAt(1)) === STATE_LAYOUT)
  await database.query(`update scoring.account set state = '\\x0199'`)
  const openTickets = async () => {
    const { facts } = await api.get<{ facts: { openUrgentTickets: number } }>('/v1/accounts/acme/health')
    return facts.openUrgentTickets
  }
  expect(await openTickets()).toBe(1)

  await api.send('PUT', '/v1/accounts/acme/override', { score: 50, reason: 'a second version' })
  expect(await layoutAt(2)).toBe(STATE_LAYOUT)
  expect(await openTickets()).toBe(1)
})
