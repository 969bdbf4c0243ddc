import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedPostgres } from '#libs/postgres/embedded/embedded-postgres.ts'
import { withConnection } from '#libs/postgres/pg-database.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { startWebhookReceiver } from '../support/webhooks/webhook-receiver.ts'
import { type Api, createApi } from './api.ts'
import { countEvents, type Operated, operate } from './operate.ts'
import { packFolder } from './pack-folder.ts'
import { createSequel } from './portfolio.ts'
import { askAgain, askEverything, type Recorded } from './questions.ts'
import { answersAtRest, runPulso } from './running-pulso.ts'

export type EmbeddedSample = {
  /** Epoch ms: `createPortfolio` of it is what was sent. */
  readonly startedAt: number
  /** When the answers had been given. */
  readonly recordedAt: number
  readonly key: string
  readonly operated: Operated
  readonly answers: Recorded
  /** The same questions after the sequel was sent to the version before. */
  readonly answersAfterSequel: Recorded
}

const withPulso = async <Result>(
  checkout: string,
  dataDir: string,
  work: (api: Api, key: string) => Promise<Result>,
): Promise<Result> => {
  const pulso = await runPulso(checkout, 'services/all/main.ts', { PULSO_DATA_DIR: dataDir })
  try {
    const { address } = pulso
    const key = (await readFile(join(dataDir, 'dev-key'), 'utf8')).trim()
    const result = await work(createApi({ ingest: address, scoring: address, alerting: address }, key), key)
    await pulso.stop()
    return result
  } finally {
    pulso.kill()
  }
}

/**
 * Makes the cluster small: vacuumed, and with a write-ahead log that holds the last checkpoint
 * only. Answers to an `Idempotency-Key` are dated at infinity, since they are kept for a day of the
 * real clock and the sample is read for years.
 */
const shrinkCluster = async (dataDir: string): Promise<readonly string[]> => {
  const server = await startEmbeddedPostgres({ dataDir, logger: silentLogger })
  const segment = await withConnection(server.connectionString, async (client) => {
    await client.query(`update access.idempotent_answer set created_at = 'infinity'`)
    await client.query('vacuum full')
    await client.query('checkpoint')
    await client.query('select pg_switch_wal()')
    const { rows } = await client.query('select pg_walfile_name(pg_current_wal_lsn() + 1) as name')
    return rows[0].name as string
  })
  await server.stop()
  const wal = await readdir(join(dataDir, 'postgres', 'pg_wal'))
  const old = wal.filter((name) => /^[0-9A-F]{24}$/.test(name) && name !== segment)
  return [...old.map((name) => `./postgres/pg_wal/${name}`), './postgres.log', './owner.pid']
}

/**
 * Runs everything of `checkout` in one process on a new data folder, and leaves that folder,
 * packed, in `file`.
 */
export const takeEmbeddedSample = async (checkout: string, file: string): Promise<EmbeddedSample> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'pulso-sample-'))
  const receiver = await startWebhookReceiver(({ path = '' }) => ({ status: path.endsWith('/fails') ? 500 : 200 }))
  const url = new URL(receiver.url).origin
  try {
    const nowMs = Date.now()
    const taken = await withPulso(checkout, dataDir, async (api, key) => {
      const operated = await operate(api, nowMs, url)
      const answers = await answersAtRest(() => askEverything(api, nowMs))
      return { startedAt: nowMs, recordedAt: Date.now(), key, operated, answers }
    })
    await packFolder(dataDir, file, await shrinkCluster(dataDir))
    const answersAfterSequel = await withPulso(checkout, dataDir, async (api) => {
      await countEvents(api, createSequel(taken.recordedAt))
      return answersAtRest(() => askAgain(api, taken.answers))
    })
    return { ...taken, answersAfterSequel }
  } finally {
    await receiver.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}
