import { existsSync } from 'node:fs'
import { kafkaJars } from './kafka-jars.ts'
import { startJvmKafka } from './kafka-jvm.ts'

export type TestKafka = {
  /** `host:port`, several separated by commas. */
  readonly brokers: string
  /** The same broker by a listener that asks for a login; only where it runs on the JVM. */
  readonly loginBrokers?: string
  /**
   * The same broker by TLS with SCRAM, and the authority that signed its certificate; only where
   * `tls` was asked for.
   */
  readonly tls?: { readonly brokers: string; readonly ca: string }
  readonly stop: () => Promise<void>
  /** SIGKILL. */
  readonly kill: () => Promise<void>
  /** Keeps it from answering until the answer is called; its connections stay open. */
  readonly freeze: () => Promise<() => Promise<void>>
  /** Same data, same port; kills first when it still runs. */
  readonly restart: () => Promise<void>
}

export type KafkaOptions = { readonly javaOptions: readonly string[]; readonly tls?: boolean }
/** Why there is none. */
export type NoKafka = { readonly unavailable: string }

/** Starts fast and stays small, as tests want it; benchmarks pass their own. */
const TEST_JAVA_OPTIONS = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']

const given = (brokers: string): TestKafka => {
  const notOurs = () => Promise.reject(new Error('the broker of KAFKA_BROKERS is not the test run’s to kill'))
  return { brokers, stop: () => Promise.resolve(), kill: notOurs, freeze: notOurs, restart: notOurs }
}

/**
 * A broker of its own, for a suite that kills or stops it: a container where a Docker engine
 * answers, else the JVM.
 */
export const startPrivateKafka = async (options?: Partial<KafkaOptions>): Promise<TestKafka | NoKafka> => {
  if (process.env.DOCKER_HOST || existsSync('/var/run/docker.sock')) {
    // Loaded only here: it is large, and most machines that get this far have no engine.
    const { dockerAnswers, startContainerKafka } = await import('./kafka-container.ts')
    if (await dockerAnswers()) return startContainerKafka()
  }
  const jars = await kafkaJars()
  if (jars) return startJvmKafka(jars, { javaOptions: TEST_JAVA_OPTIONS, ...options })
  return { unavailable: 'no KAFKA_BROKERS, no Docker engine, and no Java with Maven' }
}

/** A real Kafka: the one of KAFKA_BROKERS, else a private one. */
export const startTestKafka = async (options?: Partial<KafkaOptions>): Promise<TestKafka | NoKafka> =>
  process.env.KAFKA_BROKERS ? given(process.env.KAFKA_BROKERS) : startPrivateKafka(options)
