import type { Database } from '#libs/postgres/database.ts'
import { startEmbeddedPostgres } from '#libs/postgres/embedded/embedded-postgres.ts'
import { createDatabase } from '#libs/postgres/pg-database.ts'
import { UnavailableError } from '#libs/runtime/errors.ts'
import type { Logger } from '#libs/runtime/logger.ts'

export type Store = {
  readonly database: Database
  /** Known after the start: an embedded database chooses its port and password then. */
  readonly connectionString: () => string
}

type StoreOptions = { readonly maxConnections: number; readonly logger: Logger }

export const createServerStore = (options: StoreOptions & { readonly connectionString: string }): Store => ({
  database: createDatabase(options),
  connectionString: () => options.connectionString,
})

export const createEmbeddedStore = (options: StoreOptions & { readonly dataDir: string }): Store => {
  const { dataDir, logger, maxConnections } = options
  let open:
    | { readonly database: Database; readonly server: Awaited<ReturnType<typeof startEmbeddedPostgres>> }
    | undefined
  const opened = () => {
    if (!open) throw new UnavailableError('the embedded database is not running')
    return open
  }
  const database: Database = {
    start: async () => {
      if (!open) {
        const server = await startEmbeddedPostgres({ dataDir, logger })
        const { connectionString } = server
        open = { server, database: createDatabase({ connectionString, logger, maxConnections }) }
      }
      await open.database.start()
    },
    stop: async () => {
      if (!open) return
      const closing = open
      open = undefined
      await closing.database.stop()
      await closing.server.stop()
    },
    check: async () => opened().database.check(),
    query: async (text, params) => opened().database.query(text, params),
    transaction: async (work) => opened().database.transaction(work),
    listen: async (channel, onNotify) => opened().database.listen(channel, onNotify),
  }
  return { database, connectionString: () => opened().server.connectionString }
}
