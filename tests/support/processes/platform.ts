import { createKeyring } from '#libs/access/keys/stored-keyring.ts'
import { createStoredTombstones } from '#libs/access/tombstones.ts'
import type { Bus } from '#libs/bus/bus.ts'
import { BUS_MIGRATIONS, BUS_SCHEMA, createPostgresBus } from '#libs/bus/postgres/bus.ts'
import { migrate } from '#libs/postgres/migrate.ts'
import { createDatabase } from '#libs/postgres/pg-database.ts'
import { type Clock, systemClock } from '#libs/runtime/clock.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import type { Platform, Service } from '#libs/runtime/service.ts'
import { createTestDatabase } from '../postgres/postgres.ts'
import { TEST_ENCRYPTION_KEY } from '../scoring/usage-signer.ts'

export type TestPlatform = {
  readonly platform: Platform
  readonly connectionString: string
  /** Makes what a service needs before its own `start`: its tables and its topics. */
  readonly prepare: (service: Service) => Promise<void>
  /** Stops the bus and drops the database. Stop the services first. */
  readonly stop: () => Promise<void>
}

const ACCESS_MIGRATIONS = new URL('../../../libs/access/migrations', import.meta.url).pathname

/**
 * A started platform on a fresh database with the PostgreSQL bus, for tests of one service. The bus
 * keeps real time whatever `clock` says; a `bus` that is given is started and stopped here too. It
 * has one tenant, `default`.
 */
export const createTestPlatform = async (options: { clock?: Clock; bus?: Bus } = {}): Promise<TestPlatform> => {
  const { clock = systemClock } = options
  const logger = silentLogger
  const metrics = createMetrics()
  const { connectionString, drop } = await createTestDatabase()
  const database = createDatabase({ connectionString, logger })
  const bus = options.bus ?? createPostgresBus({ database, clock: systemClock, logger, metrics })
  const migrateSchema = (schema: string, folder: string) => migrate({ connectionString, schema, folder, logger })
  await database.start()
  await migrateSchema('access', ACCESS_MIGRATIONS)
  if (!options.bus) await migrateSchema(BUS_SCHEMA, BUS_MIGRATIONS)
  await database.query(`insert into access.tenant (id, name) values ('default', 'Default')`)
  await bus.start()
  const tombstones = createStoredTombstones({ database, encryptionKey: TEST_ENCRYPTION_KEY })
  await tombstones.start()
  return {
    platform: {
      clock,
      logger,
      metrics,
      database,
      apiDatabase: database,
      bus,
      keyring: createKeyring({ database, clock }),
      tombstones,
      settings: { timeZone: 'UTC', encryptionKey: TEST_ENCRYPTION_KEY, deadLetterDays: 30 },
    },
    connectionString,
    prepare: async (service) => {
      if (service.migrations) await migrateSchema(service.name, service.migrations)
      await bus.ensureTopics(service.topics)
    },
    stop: async () => {
      await bus.stop()
      await database.stop()
      await drop()
    },
  }
}
