import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newApiKey } from '#libs/access/keys/api-key.ts'
import type { TestKafka } from '../support/kafka/kafka.ts'
import type { PrivatePostgres } from '../support/postgres/private-postgres.ts'
import { freePort } from '../support/processes/free-port.ts'
import { createMember, createVanished, dieAtEach, killOnceScored, type Member, pause } from './member.ts'
import { ownDatabase, type StruckDatabase } from './own-database.ts'
import { type Published, readPublished } from './read-published.ts'
import { startSilentNames } from './silent-names.ts'

export type Mode = 'embedded' | 'kafka'

/** A whole Pulso that can be hurt. Addresses stay the same through every restart. */
export type Deployment = {
  readonly mode: Mode
  readonly key: string
  readonly addresses: { readonly ingest: string; readonly scoring: string; readonly alerting: string }
  /**
   * SIGKILLs the process that scores, once it has scored a batch since its start and after
   * `delayMs` more, and starts another.
   */
  readonly killScoring: (delayMs: number) => Promise<void>
  /**
   * SIGKILLs the process that alerts and starts another; in one process with everything there is
   * nothing else to kill.
   */
  readonly killAlerting?: () => Promise<void>
  /**
   * Lets the processes that pass these failpoints die at each of them in turn, several processes at
   * a time, and live on in the end. Answers those that were not reached.
   */
  readonly dieAtEach: (failpoints: readonly string[]) => Promise<readonly string[]>
  readonly killBroker?: () => Promise<void>
  /** The database as it is now; none on a server that others use too. */
  readonly database?: () => Promise<StruckDatabase>
  /** Where the server is the run's own and the log is none of it. */
  readonly copyDatabase?: PrivatePostgres['copy']
  /** SIGTERM of all processes; the answer starts them again. */
  readonly rest: () => Promise<() => Promise<void>>
  /** Further replicas stop amid their work and are never continued. Answers where none did. */
  readonly vanish: () => Promise<readonly string[]>
  /** All that scoring has published so far, where the log can be read from outside. */
  readonly published?: () => Promise<readonly Published[]>
  /** What the processes have written, for the story of a failure. */
  readonly output: () => string
  readonly stop: () => Promise<void>
}

const COMMON = {
  PULSO_LOG_LEVEL: 'debug',
  PULSO_WEBHOOK_ALLOW: '127.0.0.1/32:*',
  PULSO_WEBHOOK_ALLOW_HTTP: 'true',
  PULSO_WEBHOOK_SCHEDULE: '0s,1s,1s,1s,2s,2s,2s,5s,5s,5s',
}

/** In a transaction with its locks, with partitions of the log, and with deliveries. */
const VANISHING = [
  ['scoring', 'scoring.flush.after=stop@2'],
  ['alerting', 'alerting.evaluate.before=stop@2'],
  ['alerting', 'alerting.claim.after=stop@1'],
] as const

type Ground = {
  readonly kafka: TestKafka
  /** A server of the run's own, or a database on one that others use too. */
  readonly database: PrivatePostgres | { readonly url: string }
}

/** Three services in processes of their own, on a broker and a database that the caller brings. */
export const startDistributed = async ({ kafka, database }: Ground): Promise<Deployment> => {
  const { key } = newApiKey('test')
  const server = 'copy' in database ? database : undefined
  const own = server && (await ownDatabase(server.connectionString))
  const silentNames = await startSilentNames()
  const topicPrefix = `faults-${randomBytes(4).toString('hex')}-`
  const shared = {
    ...COMMON,
    ...silentNames.environment,
    DATABASE_URL: own?.ownUrl ?? (database as { url: string }).url,
    KAFKA_BROKERS: kafka.brokers,
    KAFKA_TOPIC_PREFIX: topicPrefix,
    PULSO_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    PULSO_BOOTSTRAP_KEY: key,
  }
  const names = ['ingest', 'scoring', 'alerting'] as const
  const ports = [await freePort(), await freePort(), await freePort()]
  const [ingest, scoring, alerting] = (await Promise.all(
    names.map((name, i) => createMember(`services/${name}/main.ts`, { ...shared, PORT: String(ports[i]) })),
  )) as [Member, Member, Member]
  const address = (i: number): string => `http://127.0.0.1:${ports[i]}`
  const members = [ingest, scoring, alerting]
  const vanished = createVanished()
  return {
    mode: 'kafka',
    key,
    ...(own ? { database: async () => own } : {}),
    ...(server ? { copyDatabase: server.copy } : {}),
    rest: () => restOf(members),
    vanish: async () => {
      const reached = await Promise.all(
        VANISHING.map(([name, failpoint]) => vanished.stopAt(`services/${name}/main.ts`, shared, failpoint)),
      )
      return VANISHING.flatMap(([, failpoint], i) => (reached[i] ? [] : [failpoint]))
    },
    published: () => readPublished(kafka.brokers, topicPrefix),
    addresses: { ingest: address(0), scoring: address(1), alerting: address(2) },
    killScoring: (delayMs) => killOnceScored(scoring, delayMs),
    killAlerting: async () => {
      await alerting.kill()
      await alerting.start()
    },
    dieAtEach: async (failpoints) => {
      const passedBy = (pattern: RegExp) => failpoints.filter((name) => pattern.test(name))
      // What belongs to the bus is passed by whoever reads from it; Kafka's broker hands out
      // partitions by itself.
      const missed = await Promise.all([
        dieAtEach(ingest, passedBy(/^ingest\./)),
        dieAtEach(scoring, passedBy(/^(scoring|bus\.position)\./)),
        dieAtEach(alerting, passedBy(/^(alerting|outbox|bus\.position)\./)),
      ])
      return missed.flat()
    },
    killBroker: async () => {
      await kafka.kill()
      await pause(1_000)
      await kafka.restart()
    },
    output: () => members.map((member) => member.current().output().slice(-4_000)).join('\n'),
    stop: async () => {
      for (const member of members) await member.kill()
      await vanished.kill()
      silentNames.close()
    },
  }
}

const restOf = async (members: readonly Member[]): Promise<() => Promise<void>> => {
  await Promise.all(members.map((member) => member.stop()))
  return async () => {
    await Promise.all(members.map((member) => member.start()))
  }
}

/** Everything in one process with its built-in PostgreSQL, which a kill leaves to itself. */
export const startEmbedded = async (): Promise<Deployment> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'pulso-faults-'))
  const port = await freePort()
  const silentNames = await startSilentNames()
  const shared = { ...COMMON, ...silentNames.environment }
  const all = await createMember('services/all/main.ts', { ...shared, PULSO_DATA_DIR: dataDir, PORT: String(port) })
  const secretOf = async (file: string): Promise<string> => (await readFile(join(dataDir, file), 'utf8')).trim()
  const vanished = createVanished()
  // The port is another one after each start of the process.
  const database = async (): Promise<StruckDatabase> => {
    const [, current] = await all.current().printed(/"port":(\d+),"msg":"the built-in PostgreSQL is up"/)
    const url = `postgres://pulso:${await secretOf('password')}@127.0.0.1:${current}/pulso`
    return { url, role: 'pulso', password: await secretOf('password'), ownUrl: url }
  }
  const address = `http://127.0.0.1:${port}`
  return {
    mode: 'embedded',
    key: await secretOf('dev-key'),
    database,
    rest: () => restOf([all]),
    vanish: async () => {
      const environment = {
        ...shared,
        DATABASE_URL: (await database()).url,
        PULSO_ENCRYPTION_KEY: await secretOf('encryption-key'),
      }
      const failpoint = 'alerting.evaluate.before=stop@2'
      return (await vanished.stopAt('services/all/main.ts', environment, failpoint)) ? [] : [failpoint]
    },
    addresses: { ingest: address, scoring: address, alerting: address },
    killScoring: (delayMs) => killOnceScored(all, delayMs),
    dieAtEach: (failpoints) => dieAtEach(all, failpoints),
    output: () => all.current().output().slice(-8_000),
    stop: async () => {
      await vanished.kill()
      silentNames.close()
      // In order, so that its PostgreSQL ends too.
      all.current().child.kill('SIGTERM')
      await all.current().ended
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
