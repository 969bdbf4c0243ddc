import { expect, onTestFinished, test } from 'vitest'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { eventually } from '../../tests/support/eventually.ts'
import { createTestPlatform } from '../../tests/support/platform.ts'
import { type UsageRecord, usageRecord } from '../../tests/support/scorer.ts'
import { loadAccounts } from './account-store.ts'
import { scoringConfigSchema } from './config.ts'
import { refold } from './core/adopt-model.ts'
import { compileModel } from './core/model.ts'
import { ALL_HEARD } from './core/source-log.ts'
import { decodeState, encodeState } from './core/state.ts'
import { createZone } from './core/zone.ts'
import { loadCountedEvents } from './event-store.ts'
import { loadDefaultModel } from './model-document.ts'
import { createScoring } from './service.ts'

const KEY = { tenantId: 'default', accountId: 'acme' }

test('an account with many tickets is the fold of its events over restarts, and a use does not write its tickets again', async () => {
  const { platform, prepare, stop } = await createTestPlatform()
  onTestFinished(stop)
  const { database, bus } = platform
  let sent = 0
  const run = async (...records: UsageRecord[]): Promise<void> => {
    const service = createScoring({ ...platform, metrics: createMetrics() }, scoringConfigSchema.parse({}))
    await prepare(service)
    await service.start()
    await bus.publish('usage.events', records)
    sent += records.length
    await eventually('all are counted', async () => (await loadCountedEvents(database, KEY)).length === sent)
    await service.stop()
  }
  const ticketsWrittenBy = async () =>
    (await database.query<{ xmin: string }>('select xmin::text from scoring.account_users where page = -1'))[0]?.xmin

  const ticket = (id: number, type = 'Opened') =>
    usageRecord('acme', { type: `Support Ticket ${type}`, properties: { ticketId: `T-${id}`, priority: 'high' } })
  await run(...Array.from({ length: 300 }, (_, id) => ticket(id)), usageRecord('acme'))
  const writtenBy = await ticketsWrittenBy()
  expect(writtenBy).toBeDefined()
  await run(usageRecord('acme', { userId: 'u-2' }))
  expect(await ticketsWrittenBy()).toBe(writtenBy)
  await run(ticket(7, 'Resolved'), usageRecord('acme', { userId: 'u-3' }))
  expect(await ticketsWrittenBy()).not.toBe(writtenBy)

  const [stored] = await loadAccounts(database, [KEY])
  const context = {
    model: compileModel(loadDefaultModel()),
    zone: createZone('UTC'),
    now: Date.now(),
    sources: ALL_HEARD,
  }
  const { state } = refold(await loadCountedEvents(database, KEY), 0, context)
  expect(encodeState(decodeState(stored!.state)).equals(encodeState(state))).toBe(true)
})
