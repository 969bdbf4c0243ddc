import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { startEmbeddedPostgres } from '#libs/postgres/embedded/embedded-postgres.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { schemaFiles } from './schema-files.ts'

/** Writes the files `schema.sql`; with `--check` it only says which are stale, and fails. */
const isCheck = process.argv.includes('--check')
const dataDir = await mkdtemp(join(tmpdir(), 'pulso-schema-'))
const server = await startEmbeddedPostgres({ dataDir, logger: silentLogger })
try {
  for (const { path, text } of await schemaFiles(server.connectionString)) {
    if (!isCheck) await writeFile(path, text)
    else if ((await readFile(path, 'utf8').catch(() => '')) !== text) {
      process.stderr.write(`${relative(process.cwd(), path)}: stale, run npm run generate\n`)
      process.exitCode = 1
    }
  }
} finally {
  await server.stop()
  await rm(dataDir, { recursive: true, force: true })
}
