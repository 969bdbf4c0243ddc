import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, openSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { accepts, freePort } from '../processes/free-port.ts'
import type { KafkaOptions, TestKafka } from './kafka.ts'
import { createTls, type Listener } from './kafka-tls.ts'

const run = promisify(execFile)
const START_TIMEOUT_MS = 60_000
const SETPRIV = '/usr/bin/setpriv'

/** The login of the second listener, which asks for one (SASL PLAIN). */
export const LOGIN = { username: 'pulso', password: 'canary-of-the-login' } as const

type Listeners = {
  readonly port: number
  readonly loginPort: number
  readonly controllerPort: number
  readonly tls?: Listener | undefined
}

const serverProperties = (dataDir: string, { port, loginPort, controllerPort, tls }: Listeners): string => `
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controllerPort}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:${port},LOGIN://127.0.0.1:${loginPort},CONTROLLER://127.0.0.1:${controllerPort}${tls ? `,${tls.address}` : ''}
advertised.listeners=PLAINTEXT://127.0.0.1:${port},LOGIN://127.0.0.1:${loginPort}${tls ? `,${tls.address}` : ''}
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,LOGIN:SASL_PLAINTEXT,TLS:SASL_SSL,CONTROLLER:PLAINTEXT
sasl.enabled.mechanisms=PLAIN
listener.name.login.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_${LOGIN.username}="${LOGIN.password}";
log.dirs=${join(dataDir, 'log')}
num.network.threads=2
num.io.threads=2
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
controlled.shutdown.enable=false
broker.session.timeout.ms=1000
broker.heartbeat.interval.ms=250
controller.quorum.election.timeout.ms=300
controller.quorum.fetch.timeout.ms=500
${tls?.properties ?? ''}`

const exited = (child: ChildProcess): Promise<void> =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve()
    : new Promise((resolve) => child.once('exit', () => resolve()))

/**
 * One node of Apache Kafka (KRaft) on the JVM, its data in a temporary folder that `stop` removes.
 */
export const startJvmKafka = async (jars: string, options: KafkaOptions): Promise<TestKafka> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'pulso-kafka-'))
  const port = await freePort()
  const loginPort = await freePort()
  const properties = join(dataDir, 'server.properties')
  const logFile = join(dataDir, 'server.log')
  const classPath = ['-cp', `${jars}/*`]
  const tls = options.tls ? await createTls(dataDir, LOGIN) : undefined
  await writeFile(properties, serverProperties(dataDir, { port, loginPort, controllerPort: await freePort(), tls }))
  // An id that begins with '-' would be read as an option: the first byte keeps it a letter.
  const clusterId = Buffer.concat([Buffer.from([0x40]), randomBytes(15)]).toString('base64url')
  await run('java', [
    ...classPath,
    'kafka.tools.StorageTool',
    'format',
    '-t',
    clusterId,
    '-c',
    properties,
    ...(tls?.users ?? []),
  ])

  const launch = async (): Promise<ChildProcess> => {
    const log = openSync(logFile, 'a')
    const java = ['java', ...options.javaOptions, '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', ...classPath]
    // A test run that is killed must not leave its broker behind.
    const dying = existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig', 'KILL'] : []
    const [command, ...args] = [...dying, ...java, 'kafka.Kafka', properties]
    const child = spawn(command!, args, { stdio: ['ignore', log, log] })
    const giveUpAt = Date.now() + START_TIMEOUT_MS
    while (!(await accepts(port))) {
      if (child.exitCode !== null || Date.now() > giveUpAt) {
        child.kill('SIGKILL')
        throw new Error(`Kafka did not start: ${(await readFile(logFile, 'utf8')).slice(-2_000)}`)
      }
      await pause(100)
    }
    return child
  }

  let child = await launch()
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal)
    await exited(child)
  }
  return {
    brokers: `127.0.0.1:${port}`,
    loginBrokers: `127.0.0.1:${loginPort}`,
    ...(tls ? { tls } : {}),
    kill: () => end('SIGKILL'),
    freeze: async () => {
      child.kill('SIGSTOP')
      return async () => void child.kill('SIGCONT')
    },
    restart: async () => {
      await end('SIGKILL')
      child = await launch()
    },
    // The data goes with it, so there is nothing that a clean shutdown would save.
    stop: async () => {
      await end('SIGKILL')
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
