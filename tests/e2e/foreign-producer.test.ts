import kafkajs from 'kafkajs'
import { expect, it, onTestFinished } from 'vitest'
import { createKafkaBus } from '#libs/bus/kafka/bus.ts'
import { systemClock } from '#libs/runtime/clock.ts'
import { newId } from '#libs/runtime/ids.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { scoringConfigSchema } from '../../services/scoring/config.ts'
import { createScoring } from '../../services/scoring/service.ts'
import { eventually } from '../support/eventually.ts'
import { describeWithKafka } from '../support/kafka/kafka-suite.ts'
import { createTestPlatform } from '../support/processes/platform.ts'
import { createRoutesClient } from '../support/routes-client.ts'
import { usageRecord } from '../support/scoring/scorer.ts'

const { Kafka, logLevel } = kafkajs
const PARTITIONS = 8
type Page = { readonly items: readonly { readonly id: string }[] }

await describeWithKafka('a producer that knows no partitioner', (brokers) => {
  it('scatters an account over all partitions: each event is counted once', async () => {
    const topicPrefix = `${newId()}.`
    const options = { brokers: brokers.split(','), clientId: 'test', topicPrefix, logger: silentLogger }
    const bus = createKafkaBus({ ...options, clock: systemClock, metrics: createMetrics() })
    const test = await createTestPlatform({ bus })
    onTestFinished(test.stop)
    const service = createScoring(test.platform, scoringConfigSchema.parse({}))
    await test.prepare(service)
    const producer = new Kafka({ brokers: options.brokers, logLevel: logLevel.NOTHING }).producer()
    await producer.connect()
    onTestFinished(() => producer.disconnect())
    const topic = `${topicPrefix}usage.events`
    const records = Array.from({ length: 40 }, () => usageRecord('acme'))
    const scatter = (shift: number) =>
      records.map(({ key, value }, i) => ({ key, value, partition: (i + shift) % PARTITIONS }))
    await service.start()
    onTestFinished(service.stop)
    const api = await createRoutesClient({ ...test.platform, metrics: createMetrics() }, service)
    onTestFinished(api.close)
    await producer.send({ topic, messages: scatter(0) })
    await producer.send({ topic, messages: scatter(3) })
    const ends = Array.from({ length: PARTITIONS }, (_, partition) => ({
      ...usageRecord(`end-${partition}`),
      partition,
    }))
    await producer.send({ topic, messages: ends })
    await eventually('each partition is read to its end', async () => {
      const statuses = await Promise.all(ends.map((_, i) => api.status(`/v1/accounts/end-${i}`)))
      return statuses.every((status) => status === 200)
    })
    const ids = (await api.get<Page>('/v1/accounts/acme/events?limit=100')).items.map(({ id }) => id)
    expect(ids).toHaveLength(records.length)
    expect(new Set(ids).size).toBe(records.length)
    expect((await api.get<Page>('/v1/dead-letters')).items).toEqual([])
  })
})
