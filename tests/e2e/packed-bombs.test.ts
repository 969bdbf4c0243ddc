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

const { CompressionTypes, Kafka, logLevel } = kafkajs
/** Packed it is far below the brokers' limit. */
const BOMB_BYTES = 80 * 1024 * 1024
type Page = { readonly items: readonly { readonly reason: string; readonly topic: string }[] }

await describeWithKafka('a batch that unpacks to more than 64 MiB', (brokers) => {
  it.each([
    ['gzip', CompressionTypes.GZIP],
    ['zstd', CompressionTypes.ZSTD],
  ])('packed by %s is dead-lettered by its offsets, and the records behind it count', async (_, compression) => {
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
    const { key, value } = usageRecord('acme')
    const bomb = Buffer.alloc(BOMB_BYTES)
    await eventually('it is stored', () =>
      producer.send({ topic: `${topicPrefix}usage.events`, compression, messages: [{ key, value: bomb }] }).then(
        () => true,
        () => false,
      ),
    )
    await bus.publish('usage.events', [{ key, value, headers: { kind: 'event' } }])
    await service.start()
    onTestFinished(service.stop)
    const api = await createRoutesClient({ ...test.platform, metrics: createMetrics() }, service)
    onTestFinished(api.close)
    await eventually('the record behind counts', async () => (await api.status('/v1/accounts/acme')) === 200)
    await eventually('the batch is a dead letter', async () => {
      const { items } = await api.get<Page>('/v1/dead-letters')
      return items.some(({ reason }) => /^batch of 1 records, offsets \d+ to \d+: /.test(reason))
    })
    expect((await api.get<Page>('/v1/dead-letters')).items[0]!.topic).toBe('usage.events')
  })
})
