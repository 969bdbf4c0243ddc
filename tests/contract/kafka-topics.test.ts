import kafkajs from 'kafkajs'
import { expect, it, onTestFinished } from 'vitest'
import { createKafkaBus } from '#libs/bus/kafka/bus.ts'
import { DEFAULT_DURABILITY, type TopicDurability } from '#libs/bus/kafka/topic-settings.ts'
import { systemClock } from '#libs/runtime/clock.ts'
import { newId } from '#libs/runtime/ids.ts'
import { createLogger } from '#libs/runtime/logger.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { describeWithKafka } from '../support/kafka/kafka-suite.ts'

const { ConfigResourceTypes, Kafka, logLevel } = kafkajs
const DAY_MS = 86_400_000

await describeWithKafka('topics of Kafka', (brokers) => {
  const list = brokers.split(',')
  const connect = async () => {
    const admin = new Kafka({ brokers: list, logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    onTestFinished(() => admin.disconnect())
    return admin
  }
  const ensure = async (topicPrefix: string, durability: Partial<TopicDurability> = {}): Promise<readonly string[]> => {
    const lines: string[] = []
    const bus = createKafkaBus({
      brokers: list,
      clientId: 'test',
      topicPrefix,
      logger: createLogger('warn', { write: (line) => void lines.push(line) }),
      clock: systemClock,
      metrics: createMetrics(),
      durability: { ...DEFAULT_DURABILITY, ...durability },
    })
    await bus.start()
    onTestFinished(bus.stop)
    await bus.ensureTopics(['source.activity'])
    return lines.filter((line) => line.includes('less safely'))
  }

  it('are made with the broker’s timestamps and an explicit retention, and are not complained of later', async () => {
    const prefix = `${newId()}.`
    expect(await ensure(prefix)).toEqual([])
    const admin = await connect()
    const retentionOf = async (name: string) => {
      const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: ConfigResourceTypes.TOPIC, name: prefix + name }],
      })
      const entries = resources[0]!.configEntries
      return Object.fromEntries(entries.map(({ configName, configValue }) => [configName, configValue]))
    }
    expect(await retentionOf('source.activity')).toMatchObject({
      'message.timestamp.type': 'LogAppendTime',
      'min.insync.replicas': '1',
      'retention.ms': String(14 * DAY_MS),
    })
    expect(await retentionOf('source.activity.dead')).toMatchObject({ 'retention.ms': String(30 * DAY_MS) })
    expect(await ensure(prefix)).toEqual([])
  })

  it('that keep less are a warning at every start, and a refusal where that is asked for', async () => {
    const prefix = `${newId()}.`
    const admin = await connect()
    await admin.createTopics({
      topics: ['source.activity', 'source.activity.dead'].map((name) => ({ topic: prefix + name, numPartitions: 1 })),
    })
    for (let start = 0; start < 2; start++) {
      const lines = await ensure(prefix)
      expect(lines.some((line) => line.includes('message.timestamp.type') && line.includes('CreateTime'))).toBe(true)
      expect(lines.some((line) => line.includes('retention.ms'))).toBe(true)
    }
    await expect(ensure(prefix, { strict: true })).rejects.toThrow('PULSO_STRICT_TOPICS')
  })

  it('are not made with fewer copies than are asked for', async () => {
    await expect(ensure(`${newId()}.`, { replicationFactor: 5 })).rejects.toThrow('KAFKA_REPLICATION_FACTOR is 5')
  })
})
