import { expect, onTestFinished, test } from 'vitest'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { createZone } from '#libs/time/time-zone.ts'
import { eventually } from '../../../tests/support/eventually.ts'
import { createTestPlatform } from '../../../tests/support/processes/platform.ts'
import { type UsageRecord, usageRecord } from '../../../tests/support/scoring/scorer.ts'
import { scoringConfigSchema } from '../config.ts'
import { createAccount } from '../core/account/account.ts'
import { refold } from '../core/account/adopt-model.ts'
import { decodeAccount } from '../core/codec/account-bytes.ts'
import { encodeState } from '../core/codec/state-codec.ts'
import { ALL_ACTIVE } from '../core/evaluation/source-log.ts'
import { compileModel } from '../core/models/model.ts'

import { loadCountedEvents } from '../log/event-store.ts'
import { loadDefaultModel } from '../models/model-document.ts'
import { createScoring } from '../service.ts'
import { loadAccounts, loadPages } from './account-store.ts'

const KEY = { tenantId: 'default', accountId: 'acme' }

test('an account with 10,000 tickets is the fold of its events over restarts, and one that moves has a page of them written', async () => {
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
  /**
   * The pages of interactions that the account's last flush wrote, and all bytes that it wrote of
   * the account.
   */
  const written = async () => {
    const [row] = await database.query<{ pages: number; bytes: number }>(
      `select count(p.page)::int as pages, (length(a.state) + coalesce(sum(length(p.bytes)), 0))::int as bytes
       from scoring.account a left join scoring.account_page p
         on p.tenant_id = a.tenant_id and p.account_id = a.account_id and p.kind = 'interactions' and p.xmin = a.xmin
       group by a.state`,
    )
    return row!
  }

  const ticket = (id: number, type = 'Opened') =>
    usageRecord('acme', { type: `Support Ticket ${type}`, properties: { ticketId: `T-${id}`, priority: 'high' } })
  await run(...Array.from({ length: 10_000 }, (_, id) => ticket(id)), usageRecord('acme'))
  await run(ticket(3, 'Updated'))
  await run(usageRecord('acme', { userId: 'u-2' }))
  expect(await written()).toEqual({ pages: 0, bytes: expect.toSatisfy((bytes: number) => bytes < 1_024) })
  await run(ticket(7, 'Resolved'))
  expect(await written()).toEqual({ pages: 1, bytes: expect.toSatisfy((bytes: number) => bytes < 8_192) })

  const [stored] = await loadAccounts(database, [KEY])
  const { state, interactions } = decodeAccount(stored!.state)
  expect(interactions.bits()).toBe(8)
  const pages = Array.from({ length: 2 ** interactions.bits() }, (_, page) => page)
  const rows = await loadPages(
    database,
    pages.map((page) => ({ ...KEY, kind: 'interactions', page })),
  )
  for (const { page, bytes } of rows) interactions.load(page, bytes.toString('latin1'))
  const context = {
    model: compileModel(loadDefaultModel()),
    zone: createZone('UTC'),
    now: Date.now(),
    sources: ALL_ACTIVE,
  }
  const folded = refold(
    await loadCountedEvents(database, KEY),
    { ...createAccount(KEY, context.model), interactions },
    context,
  )
  expect(encodeState(state).equals(encodeState(folded.state))).toBe(true)
  expect(pages.map(interactions.bytesOf, interactions)).toEqual(
    pages.map(folded.interactions.bytesOf, folded.interactions),
  )
})
