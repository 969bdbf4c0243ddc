import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { migrate } from '#libs/postgres/migrate.ts'
import { createDatabase } from '#libs/postgres/pg-database.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createTestDatabase } from '../../../tests/support/postgres/postgres.ts'
import { loadCountedEvents } from './event-store.ts'
import { loadPosition } from './relay-store.ts'
import { loadTimeline } from './timeline-store.ts'

const MIGRATIONS = join(import.meta.dirname, '../migrations')
const AT = '2026-11-01T00:00:00.000Z'
const event = (accountId: string, id: string): string =>
  JSON.stringify({ id, type: 'Signed In', accountId, occurredAt: AT, receivedAt: AT, properties: {} })

test('a log written before frames existed is read as before', async () => {
  const { connectionString, drop } = await createTestDatabase()
  const former = await mkdtemp(join(tmpdir(), 'pulso-former-'))
  const database = createDatabase({ connectionString, logger: silentLogger })
  try {
    await copyFile(join(MIGRATIONS, '001_accounts.sql'), join(former, '001_accounts.sql'))
    const options = { connectionString, schema: 'scoring', logger: silentLogger }
    await migrate({ ...options, folder: former })
    await database.start()
    for (const accountId of ['acme', 'bolt']) {
      await database.query(
        `insert into scoring.account_log (tenant_id, account_id, version, partition, position, at, last_occurred_at, ids, events,
           sequence, score, change)
         values ('default', $1, 1, 3, 7, now(), now(), ''::bytea, $2, 1, 50, $3)`,
        [
          accountId,
          Buffer.from(`${event(accountId, 'a')}\x1e${event(accountId, 'b')}\x1e`),
          Buffer.from(`{"of":"${accountId}"}`),
        ],
      )
    }
    await migrate({ ...options, folder: MIGRATIONS })
    const events = await loadCountedEvents(database, { tenantId: 'default', accountId: 'bolt' })
    expect(events.map(({ id }) => id)).toEqual(['a', 'b'])
    const page = await loadTimeline(
      database,
      { tenantId: 'default', accountId: 'bolt' },
      { limit: 1, cursor: undefined },
    )
    expect(page.events.map(({ id }) => id)).toEqual(['b'])
    const next = { limit: 1, cursor: page.events[0]! }
    expect(await loadTimeline(database, { tenantId: 'default', accountId: 'bolt' }, next)).toMatchObject({
      events: [{ id: 'a' }],
      hasMore: false,
    })
    const changes = await loadPosition(database, 3, 7)
    expect(changes.map(({ change }) => change.toString())).toEqual(['{"of":"acme"}', '{"of":"bolt"}'])
  } finally {
    await database.stop()
    await rm(former, { recursive: true })
    await drop()
  }
})
