import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newApiKey } from '#libs/access/keys/api-key.ts'
import type { TestKafka } from '../support/kafka/kafka.ts'
import { freePort } from '../support/processes/free-port.ts'
import { type SpawnedProcess, spawnProcess } from '../support/processes/spawn-process.ts'

/** A whole Pulso that can be hurt. Addresses stay the same through every restart. */
export type Deployment = {
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
  /** What the processes have written, for the story of a failure. */
  readonly output: () => string
  readonly stop: () => Promise<void>
}

const pause = (delayMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, delayMs))
/**
 * How long a process may live that should die at a failpoint, and at which hit: it must get
 * something done in between.
 */
const REACH_MS = 60_000
const DEADLY_HIT = 3
const SELDOM = /\.(timers|due|override)\./
const READY = /"msg":"ready"/
const SCORED = /"msg":"batch scored"/

const COMMON = {
  PULSO_LOG_LEVEL: 'debug',
  PULSO_WEBHOOK_ALLOW: '127.0.0.1/32:*',
  PULSO_WEBHOOK_ALLOW_HTTP: 'true',
  PULSO_WEBHOOK_SCHEDULE: '0s,1s,1s,1s,2s,2s,2s,5s,5s,5s',
}

type Member = {
  readonly kill: () => Promise<void>
  readonly start: (failpoint?: string) => Promise<void>
  readonly current: () => SpawnedProcess
}

/** One program at one address, over and over. */
const createMember = async (file: string, environment: Readonly<Record<string, string>>): Promise<Member> => {
  let current: SpawnedProcess
  const start = async (failpoint?: string): Promise<void> => {
    const armed = failpoint && {
      PULSO_FAILPOINTS: `${failpoint}=kill@${SELDOM.test(failpoint) ? 1 : DEADLY_HIT}`,
      PULSO_FAILPOINTS_ENABLED: 'true',
    }
    current = spawnProcess(file, { ...environment, ...armed })
    // It may die before it is ready.
    if (failpoint) await Promise.race([current.printed(READY).catch(() => {}), current.ended])
    else await current.printed(READY)
  }
  await start()
  return {
    start,
    current: () => current,
    kill: async () => {
      current.child.kill('SIGKILL')
      await current.ended
    },
  }
}

const killOnceScored = async (member: Member, delayMs: number): Promise<void> => {
  await member.current().printed(SCORED)
  await pause(delayMs)
  await member.kill()
  await member.start()
}

const dieAtEach = async (member: Member, failpoints: readonly string[]): Promise<readonly string[]> => {
  const missed: string[] = []
  if (failpoints.length > 0) await member.kill()
  for (const failpoint of failpoints) {
    await member.start(failpoint)
    const { ended } = member.current()
    if ((await Promise.race([ended, pause(REACH_MS)])) === 'SIGKILL') continue
    missed.push(failpoint)
    await member.kill()
  }
  if (failpoints.length > 0) await member.start()
  return missed
}

/** Three services in processes of their own, on a broker and a database that the caller brings. */
export const startDistributed = async (options: { kafka: TestKafka; databaseUrl: string }): Promise<Deployment> => {
  const { kafka, databaseUrl } = options
  const { key } = newApiKey('test')
  const shared = {
    ...COMMON,
    DATABASE_URL: databaseUrl,
    KAFKA_BROKERS: kafka.brokers,
    KAFKA_TOPIC_PREFIX: `faults-${randomBytes(4).toString('hex')}-`,
    PULSO_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    PULSO_BOOTSTRAP_KEY: key,
  }
  const names = ['ingest', 'scoring', 'alerting'] as const
  const ports = [await freePort(), await freePort(), await freePort()]
  const [ingest, scoring, alerting] = (await Promise.all(
    names.map((name, i) => createMember(`services/${name}/main.ts`, { ...shared, PORT: String(ports[i]) })),
  )) as [Member, Member, Member]
  const address = (i: number): string => `http://127.0.0.1:${ports[i]}`
  return {
    key,
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
    output: () => [ingest, scoring, alerting].map((member) => member.current().output().slice(-4_000)).join('\n'),
    stop: async () => {
      for (const member of [ingest, scoring, alerting]) await member.kill()
    },
  }
}

/** Everything in one process with its built-in PostgreSQL, which a kill leaves to itself. */
export const startEmbedded = async (): Promise<Deployment> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'pulso-faults-'))
  const port = await freePort()
  const all = await createMember('services/all/main.ts', { ...COMMON, PULSO_DATA_DIR: dataDir, PORT: String(port) })
  const address = `http://127.0.0.1:${port}`
  return {
    key: (await readFile(join(dataDir, 'dev-key'), 'utf8')).trim(),
    addresses: { ingest: address, scoring: address, alerting: address },
    killScoring: (delayMs) => killOnceScored(all, delayMs),
    dieAtEach: (failpoints) => dieAtEach(all, failpoints),
    output: () => all.current().output().slice(-8_000),
    stop: async () => {
      // In order, so that its PostgreSQL ends too.
      all.current().child.kill('SIGTERM')
      await all.current().ended
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
