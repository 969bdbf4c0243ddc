import { type RunnerOption, runner } from 'node-pg-migrate'
import type { Logger } from '#libs/runtime/logger.ts'
import { withConnection } from './pg-database.ts'
import { keepOldest, refuseOldCode, releaseOf } from './pg-oldest-code.ts'

export type MigrateOptions = {
  readonly connectionString: string
  /** Created if missing; holds the table of applied migrations. Files use full names. */
  readonly schema: string
  /** Absolute path of the SQL files `001_name.sql`, run in order, each in a transaction. */
  readonly folder: string
  readonly logger: Logger
}

/**
 * Brings one schema up to date; answers what ran. An advisory lock lets one process work. Older
 * code starts on a newer schema, unless a migration there says `-- Oldest code: <number>` above
 * its own.
 */
export const migrate = async ({
  connectionString,
  schema,
  folder,
  logger,
}: MigrateOptions): Promise<readonly string[]> => {
  const options: Omit<RunnerOption, 'databaseUrl' | 'dbClient'> = {
    dir: folder,
    ignorePattern: '(?!.*\\.sql$).*',
    direction: 'up',
    migrationsTable: 'migrations',
    migrationsSchema: schema,
    createMigrationsSchema: true,
    schema: [schema, 'public'],
    advisoryLockMode: 'wait',
    log: () => {},
    logger: {
      info: () => {},
      warn: (message) => logger.debug({ schema }, message),
      error: (message) => logger.error({ schema }, message),
    },
  }
  const release = await releaseOf(folder)
  const ran = await withConnection(connectionString, async (dbClient) => {
    await refuseOldCode(dbClient, schema, release)
    const done = await runner({ ...options, dbClient })
    await keepOldest(dbClient, schema, release)
    return done
  })
  const names = ran.map((migration) => migration.name)
  if (names.length > 0) logger.info({ schema, migrations: names }, 'schema migrated')
  return names
}
