import { afterAll, expect, test } from 'vitest'
import { BUS_MIGRATIONS, BUS_SCHEMA } from '#libs/bus/postgres/bus.ts'
import { createLogStore } from '#libs/bus/postgres/log-store.ts'
import { migrate } from '#libs/postgres/migrate.ts'
import { createDatabase } from '#libs/postgres/pg-database.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { openTestBus } from '../support/bus/test-bus.ts'
import { createTestDatabase } from '../support/postgres/postgres.ts'
import { startPrivatePostgres } from '../support/postgres/private-postgres.ts'
import { describeBus } from './bus.contract.ts'
import { allSeen, collect, numbered, TOPIC } from './bus-log.ts'

const drops: (() => Promise<void>)[] = []
afterAll(async () => {
  for (const drop of drops) await drop()
})

describeBus('postgres-bus', {
  freshLog: async () => {
    const { connectionString, drop } = await createTestDatabase()
    drops.push(drop)
    return { kind: 'postgres', connectionString }
  },
  createTopic: async (address, topic, partitions) => {
    if (address.kind !== 'postgres') throw new Error('not a PostgreSQL')
    const { connectionString } = address
    await migrate({ connectionString, schema: BUS_SCHEMA, folder: BUS_MIGRATIONS, logger: silentLogger })
    const database = createDatabase({ connectionString, logger: silentLogger })
    await createLogStore(database).createTopic(topic, partitions)
    await database.stop()
  },
  ownServer: async () => {
    const server = await startPrivatePostgres()
    return {
      address: { kind: 'postgres', connectionString: server.connectionString },
      stopServer: server.kill,
      startServer: server.restart,
      remove: server.stop,
    }
  },
})

test('when server and member end together, as in one process, the next member does not wait for the old leases', async () => {
  const server = await startPrivatePostgres()
  const address = { kind: 'postgres', connectionString: server.connectionString } as const
  try {
    const first = await openTestBus(address)
    await first.bus.ensureTopics([TOPIC])
    await collect(first.bus, { group: 'g' })
    await first.bus.publish(TOPIC, numbered(40, 40))
    await server.kill()
    await first.close()
    await server.restart()
    const second = await openTestBus(address)
    const before = performance.now()
    await second.bus.publish(TOPIC, numbered(40, 40, 40))
    const { seen } = await collect(second.bus, { group: 'g' })
    await allSeen('records', seen, 40)
    expect(performance.now() - before).toBeLessThan(4_000)
    await second.close()
  } finally {
    await server.stop()
  }
})
