import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedPostgres } from '#libs/postgres/embedded/embedded-postgres.ts'
import { withConnection } from '#libs/postgres/pg-database.ts'
import { silentLogger } from '#libs/runtime/logger.ts'

export type TestServer = { readonly url: string; readonly stop: () => Promise<void> }

/** Where global setup leaves the server's address for the test files. */
export const TEST_POSTGRES = 'PULSO_TEST_DATABASE_URL'

const startContainer = async (): Promise<TestServer> => {
  const { PostgreSqlContainer } = await import('@testcontainers/postgresql')
  const container = await new PostgreSqlContainer('postgres:18').withCommand(['-c', 'max_connections=300']).start()
  return {
    url: container.getConnectionUri(),
    stop: async () => {
      await container.stop()
    },
  }
}

/**
 * A real PostgreSQL for one test run: `DATABASE_URL` if set, a container if an engine is here, else
 * the built-in server in a temporary folder.
 */
export const startTestPostgres = async (): Promise<TestServer> => {
  const given = process.env.DATABASE_URL
  if (given) return { url: given, stop: async () => {} }
  if (process.env.DOCKER_HOST || existsSync('/var/run/docker.sock')) return startContainer()
  const dataDir = await mkdtemp(join(tmpdir(), 'pulso-test-postgres-'))
  const server = await startEmbeddedPostgres({ dataDir, logger: silentLogger, maxConnections: 300 })
  return {
    url: server.connectionString,
    stop: async () => {
      await server.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** A fresh, empty database on the run's server; `drop` closes whatever is still connected to it. */
export const createTestDatabase = async (): Promise<{ connectionString: string; drop: () => Promise<void> }> => {
  const server = process.env[TEST_POSTGRES]
  if (!server)
    throw new Error(`${TEST_POSTGRES} is not set: run tests by "npx vitest run", whose global setup starts PostgreSQL`)
  const name = `test_${randomBytes(8).toString('hex')}`
  const run = (statement: string) => withConnection(server, (client) => client.query(statement))
  await run(`create database ${name} strategy wal_log`)
  const url = new URL(server)
  url.pathname = `/${name}`
  return {
    connectionString: url.toString(),
    drop: async () => {
      await run(`drop database ${name} with (force)`)
    },
  }
}
