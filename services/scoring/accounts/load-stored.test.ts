import { expect, onTestFinished, test } from 'vitest'
import type { Sql } from '#libs/postgres/database.ts'
import { systemClock } from '#libs/runtime/clock.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { createZone } from '#libs/time/time-zone.ts'
import { eventually } from '../../../tests/support/eventually.ts'
import { startScorer, usageRecord } from '../../../tests/support/scoring/scorer.ts'
import { STATE_LAYOUT } from '../core/codec/state-codec.ts'
import { createLiveModels } from '../models/live-models.ts'
import { loadStored } from './load-stored.ts'

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

test('a flush of many accounts of a former layout reads one log at a time, so that others have connections left', async () => {
  const { database, send, stop } = await startScorer()
  onTestFinished(stop)
  const ids = Array.from({ length: 20 }, (_, n) => `acme-${n}`)
  await send(...ids.map((id) => usageRecord(id, SUPPORT)))
  await eventually('all are counted', async () => (await database.query('select from scoring.account')).length === 20)
  const states = () => database.query('select account_id, state from scoring.account order by account_id')
  const before = await states()
  await database.query(`update scoring.account set state = '\\x0199'`)
  const liveModels = createLiveModels({
    ...{ database, clock: systemClock, logger: silentLogger, metrics: createMetrics() },
    zone: createZone('UTC'),
  })
  let [underWay, most] = [0, 0]
  const sql: Sql = {
    query: async (text, params) => {
      underWay++
      most = Math.max(most, underWay)
      return database.query<never>(text, params).finally(() => underWay--)
    },
  }
  const keys = ids.map((accountId) => ({ tenantId: 'default', accountId }))
  const rows = await loadStored(sql, keys, liveModels)
  expect(most).toBe(1)
  const folded = rows.map(({ accountId, state }) => ({ account_id: accountId, state }))
  expect(folded.toSorted((a, b) => (a.account_id < b.account_id ? -1 : 1))).toEqual(before)
})
