import { startEmbeddedPostgres } from '#libs/postgres/embedded/embedded-postgres.ts'
import { silentLogger } from '#libs/runtime/logger.ts'

// A process of its own that owns a built-in PostgreSQL: says where it is, ends in order on SIGTERM.
const [dataDir = '', port] = process.argv.slice(2)
const server = await startEmbeddedPostgres({ dataDir, logger: silentLogger, ...(port ? { port: Number(port) } : {}) })
process.once('SIGTERM', () => void server.stop())
process.stdout.write(`${server.connectionString}\n`)
