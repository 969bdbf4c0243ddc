import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { newApiKey } from '#libs/access/keys/api-key.ts'
import type { Bus } from '#libs/bus/bus.ts'
import { createKafkaBus } from '#libs/bus/kafka/bus.ts'
import { BUS_MIGRATIONS, BUS_SCHEMA, createPostgresBus } from '#libs/bus/postgres/bus.ts'
import type { Database } from '#libs/postgres/database.ts'
import { startEmbeddedPostgres } from '#libs/postgres/embedded/embedded-postgres.ts'
import { migrate } from '#libs/postgres/migrate.ts'
import { createDatabase } from '#libs/postgres/pg-database.ts'
import { systemClock } from '#libs/runtime/clock.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { spawnProcess } from '../support/processes/spawn-process.ts'
import { ENCRYPTION_KEY } from './make-events.ts'

type Defer = (undo: () => Promise<unknown>) => void

const STOP_LIMIT_MS = 15_000

export type Postgres = { readonly connectionString: string; readonly database: Database }

/** The project's own PostgreSQL, empty, with a connection for the benchmark. */
export const startPostgres = async (defer: Defer): Promise<Postgres> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'pulso-bench-'))
  defer(() => rm(dataDir, { recursive: true, force: true }))
  const postgres = await startEmbeddedPostgres({ dataDir, logger: silentLogger })
  defer(postgres.stop)
  const { connectionString } = postgres
  const database = createDatabase({ connectionString, logger: silentLogger })
  await database.start()
  defer(database.stop)
  return { connectionString, database }
}

/** The same with the tables of alerting. */
export const startAlertingDatabase = async (defer: Defer): Promise<Database> => {
  const { connectionString, database } = await startPostgres(defer)
  const folderOf = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))
  const logger = silentLogger
  await migrate({ connectionString, schema: 'access', folder: folderOf('libs/access/migrations'), logger })
  await migrate({ connectionString, schema: 'alerting', folder: folderOf('services/alerting/migrations'), logger })
  return database
}

export const startKafkaBus = async (defer: Defer, brokers: string, topicPrefix: string): Promise<Bus> => {
  const bus = createKafkaBus({
    brokers: brokers.split(','),
    clientId: 'bench',
    topicPrefix,
    logger: silentLogger,
    clock: systemClock,
    metrics: createMetrics(),
  })
  await bus.start()
  defer(bus.stop)
  return bus
}

export const startEmbeddedBus = async (defer: Defer, { connectionString, database }: Postgres): Promise<Bus> => {
  await migrate({ connectionString, schema: BUS_SCHEMA, folder: BUS_MIGRATIONS, logger: silentLogger })
  const bus = createPostgresBus({ database, clock: systemClock, logger: silentLogger, metrics: createMetrics() })
  await bus.start()
  defer(bus.stop)
  return bus
}

export type RunningService = { readonly pid: number | undefined; readonly address: string }

/** What all processes of one figure are configured with; the key may do everything. */
export const createEnvironment = (postgres: Postgres, own: Readonly<Record<string, string>>) => ({
  PORT: '0',
  DATABASE_URL: postgres.connectionString,
  PULSO_ENCRYPTION_KEY: ENCRYPTION_KEY.toString('base64'),
  PULSO_BOOTSTRAP_KEY: newApiKey('test').key,
  ...own,
})

type Named = 'ingest' | 'scoring' | 'alerting' | 'all'

/**
 * Starts a service as its npm script does and answers when it is ready. With `profiles`, it leaves
 * a CPU profile there when it ends.
 */
export const startService = async (
  defer: Defer,
  name: Named,
  environment: Readonly<Record<string, string>>,
  profiles?: string,
): Promise<RunningService> => {
  const profiling: Record<string, string> = profiles
    ? { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profiles} --cpu-prof-name=${name}-${Date.now()}.cpuprofile` }
    : {}
  const spawned = spawnProcess(`services/${name}/main.ts`, { ...environment, ...profiling })
  defer(async () => {
    spawned.child.kill('SIGTERM')
    const late = setTimeout(() => spawned.child.kill('SIGKILL'), STOP_LIMIT_MS)
    await spawned.ended
    clearTimeout(late)
  })
  const [, address = ''] = await spawned.printed(/"address":"([^"]+)"[^\n]*"msg":"ready"/)
  return { pid: spawned.child.pid, address }
}
