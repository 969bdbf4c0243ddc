import { describe, it } from 'vitest'
import { type KafkaOptions, type NoKafka, startPrivateKafka, type TestKafka } from './kafka.ts'

type Answer = { readonly brokers: string } | NoKafka | { readonly failed: string }

/**
 * The run's shared broker, started by the global setup when the first suite asks. One that should
 * start and does not is an error, never a skip.
 */
const askForKafka = async (): Promise<{ readonly brokers: string } | NoKafka> => {
  const backends = process.env.PULSO_TEST_BACKENDS
  if (!backends) throw new Error('PULSO_TEST_BACKENDS is not set: run the tests with vitest and its global setup')
  const answer = (await (await fetch(`${backends}/kafka`)).json()) as Answer
  if ('failed' in answer) throw new Error(answer.failed)
  return answer
}

/**
 * Brokers of the run's shared Kafka. Topics are shared too: give each suite its own `topicPrefix`.
 */
export const kafkaForTests = async (): Promise<string> => {
  const kafka = await askForKafka()
  if ('unavailable' in kafka) throw new Error(`no Kafka for tests: ${kafka.unavailable}`)
  return kafka.brokers
}

/**
 * A suite that needs Kafka: skipped by name where none can be had, a failure with
 * REQUIRE_BACKENDS=1. Await it at the top of the file.
 */
export const describeWithKafka = async (name: string, suite: (brokers: string) => void): Promise<void> => {
  const kafka = await askForKafka()
  if ('brokers' in kafka) return void describe(name, () => suite(kafka.brokers))
  const title = `${name} [skipped: ${kafka.unavailable}]`
  if (process.env.REQUIRE_BACKENDS === '1')
    return void it(title, () => {
      throw new Error(`REQUIRE_BACKENDS=1 and no Kafka: ${kafka.unavailable}`)
    })
  describe.skip(title, () => void it('needs Kafka', () => undefined))
}

/**
 * The same for a suite that kills or stops its broker: it gets one of its own by `start`, and must
 * stop it.
 */
export const privateKafka = async (options?: Partial<KafkaOptions>): Promise<TestKafka> => {
  const kafka = await startPrivateKafka(options)
  if ('unavailable' in kafka) throw new Error(`no Kafka for tests: ${kafka.unavailable}`)
  return kafka
}
