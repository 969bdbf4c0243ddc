import { fileURLToPath } from 'node:url'
import type { Database } from '#libs/postgres/database.ts'
import { migrate } from '#libs/postgres/migrate.ts'
import { createDatabase } from '#libs/postgres/pg-database.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createTestDatabase } from './postgres.ts'

export type TestDatabase = {
  readonly database: Database
  readonly connectionString: string
  readonly drop: () => Promise<void>
}

const folderOf = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url))

/** A fresh database with the tables of alerting and of access. */
export const createAlertingDatabase = async (): Promise<TestDatabase> => {
  const { connectionString, drop } = await createTestDatabase()
  const logger = silentLogger
  await migrate({ connectionString, schema: 'access', folder: folderOf('libs/access/migrations'), logger })
  await migrate({ connectionString, schema: 'alerting', folder: folderOf('services/alerting/migrations'), logger })
  const database = createDatabase({ connectionString, logger })
  await database.start()
  return {
    database,
    connectionString,
    drop: async () => {
      await database.stop()
      await drop()
    },
  }
}
