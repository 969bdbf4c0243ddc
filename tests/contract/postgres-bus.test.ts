import { afterAll } from 'vitest'
import { BUS_MIGRATIONS, BUS_SCHEMA } from '#libs/bus/postgres-bus.ts'
import { createLogStore } from '#libs/bus/postgres-log-store.ts'
import { migrate } from '#libs/postgres/migrate.ts'
import { createDatabase } from '#libs/postgres/pg-database.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createTestDatabase } from '../support/postgres.ts'
import { startPrivatePostgres } from '../support/private-postgres.ts'
import { describeBus } from './bus.contract.ts'

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
