import type { Database } from '#libs/postgres/database.ts'
import { startEmbeddedPostgres } from '#libs/postgres/embedded/embedded-postgres.ts'
import { createDatabase } from '#libs/postgres/pg-database.ts'
import { API_SESSION, PIPELINE_SESSION } from '#libs/postgres/pg-session.ts'
import type { PoolMetrics } from '#libs/postgres/pool-metrics.ts'
import { UnavailableError } from '#libs/runtime/errors.ts'
import type { Logger } from '#libs/runtime/logger.ts'

export type Store = {
  /** Of the pipeline: consumers, relays, timers, deliveries, keys. */
  readonly database: Database
  /** Of the routes: however many readers there are, the pipeline keeps its connections. */
  readonly apiDatabase: Database
  /** Known after the start: an embedded database chooses its port and password then. */
  readonly connectionString: () => string
}

type StoreOptions = {
  readonly maxConnections: number
  readonly maxApiConnections: number
  readonly poolMetrics: PoolMetrics
  readonly logger: Logger
}

/** A request that waits longer gets 503. */
const API_WAIT_MS = 5_000

type Pools = Pick<Store, 'database' | 'apiDatabase'>

const createPools = (options: StoreOptions & { readonly connectionString: string }): Pools => {
  const { connectionString, logger, poolMetrics, maxConnections, maxApiConnections } = options
  const common = { connectionString, logger, poolMetrics }
  return {
    database: createDatabase({ ...common, maxConnections, poolName: 'pipeline', session: PIPELINE_SESSION }),
    apiDatabase: createDatabase({
      ...common,
      maxConnections: maxApiConnections,
      poolName: 'api',
      session: API_SESSION,
      waitMs: API_WAIT_MS,
      applicationName: 'pulso api',
    }),
  }
}

export const createServerStore = (options: StoreOptions & { readonly connectionString: string }): Store => ({
  ...createPools(options),
  connectionString: () => options.connectionString,
})

export const createEmbeddedStore = (options: StoreOptions & { readonly dataDir: string }): Store => {
  const { dataDir, logger } = options
  let open: (Pools & { readonly server: Awaited<ReturnType<typeof startEmbeddedPostgres>> }) | undefined
  const opened = () => {
    if (!open) throw new UnavailableError('the embedded database is not running')
    return open
  }
  const use = (pool: keyof Pools): Pick<Database, 'check' | 'query' | 'transaction' | 'listen'> => ({
    check: async () => opened()[pool].check(),
    query: async (text, params) => opened()[pool].query(text, params),
    transaction: async (work) => opened()[pool].transaction(work),
    listen: async (channel, onNotify) => opened()[pool].listen(channel, onNotify),
  })
  const database: Database = {
    ...use('database'),
    start: async () => {
      if (!open) {
        const server = await startEmbeddedPostgres({ dataDir, logger })
        open = { server, ...createPools({ ...options, connectionString: server.connectionString }) }
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
  }
  const apiDatabase: Database = {
    ...use('apiDatabase'),
    start: () => opened().apiDatabase.start(),
    stop: async () => open?.apiDatabase.stop(),
  }
  return { database, apiDatabase, connectionString: () => opened().server.connectionString }
}
