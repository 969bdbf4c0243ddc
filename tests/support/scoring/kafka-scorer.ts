import kafkajs from 'kafkajs'
import { onTestFinished } from 'vitest'
import { createKafkaBus } from '#libs/bus/kafka/bus.ts'
import { systemClock } from '#libs/runtime/clock.ts'
import { newId } from '#libs/runtime/ids.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { scoringConfigSchema } from '../../../services/scoring/config.ts'
import { createScoring } from '../../../services/scoring/service.ts'
import { createTestPlatform } from '../processes/platform.ts'
import { createRoutesClient, type RoutesClient } from '../routes-client.ts'

const { Kafka, logLevel, Partitioners } = kafkajs

/**
 * The scoring service on real Kafka with topics of its own, and a plain producer on `usage.events`
 * that is nobody's but the test's. All of it stops with the test.
 */
export const startKafkaScorer = async (brokers: string) => {
  const topicPrefix = `${newId()}.`
  const options = { brokers: brokers.split(','), clientId: 'test', topicPrefix, logger: silentLogger }
  const bus = createKafkaBus({ ...options, clock: systemClock, metrics: createMetrics() })
  const { platform, prepare, stop } = await createTestPlatform({ bus })
  onTestFinished(stop)
  const service = createScoring(platform, scoringConfigSchema.parse({}))
  await prepare(service)
  await service.start()
  onTestFinished(service.stop)
  const apiOf = async (tenantId: string): Promise<RoutesClient> => {
    const client = await createRoutesClient({ ...platform, metrics: createMetrics() }, service, tenantId)
    onTestFinished(client.close)
    return client
  }
  const kafka = new Kafka({ brokers: options.brokers, logLevel: logLevel.NOTHING })
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  onTestFinished(() => producer.disconnect())
  const topic = `${topicPrefix}usage.events`
  return {
    api: await apiOf('default'),
    apiOf,
    bus,
    platform,
    produce: (messages: kafkajs.Message[]) => producer.send({ topic, messages }),
  }
}
