import { randomBytes } from 'node:crypto'
import kafkajs from 'kafkajs'
import { expect, it, onTestFinished } from 'vitest'
import type { Bus } from '#libs/bus/bus.ts'
import { createKafkaBus, type KafkaBusOptions } from '#libs/bus/kafka/bus.ts'
import { systemClock } from '#libs/runtime/clock.ts'
import { PermanentError, UnavailableError } from '#libs/runtime/errors.ts'
import { newId } from '#libs/runtime/ids.ts'
import { createLogger, silentLogger } from '#libs/runtime/logger.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { eventually } from '../support/eventually.ts'
import { describeWithKafka } from '../support/kafka/kafka-suite.ts'
import { freePort } from '../support/processes/free-port.ts'
import { allSeen, collect, distinct, numbered, readDead, record, TOPIC } from './bus-log.ts'

const { CompressionTypes, Kafka, logLevel } = kafkajs

const createBus = (brokers: string, more: Partial<KafkaBusOptions> = {}) => {
  const options = {
    brokers: brokers.split(','),
    clientId: 'pulso-test',
    logger: silentLogger,
    clock: systemClock,
    metrics: createMetrics(),
    topicPrefix: `${newId()}.`,
    ...more,
  }
  return { ...options, bus: createKafkaBus(options), name: options.topicPrefix + TOPIC }
}

const started = async (bus: Bus): Promise<Bus> => {
  await bus.start()
  onTestFinished(bus.stop)
  await bus.ensureTopics([TOPIC])
  return bus
}

await describeWithKafka('what is Kafka’s alone', (brokers) => {
  const kafka = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING })
  const withAdmin = async (work: (admin: ReturnType<typeof kafka.admin>) => Promise<unknown>): Promise<void> => {
    const admin = kafka.admin()
    await admin.connect()
    await work(admin)
    await admin.disconnect()
  }

  it('a position outside the log is an error line and a metric, and reading resumes at the earliest record', async () => {
    const lines: string[] = []
    const logger = createLogger('error', { write: (line) => void lines.push(line) })
    const { bus, name, metrics } = createBus(brokers, { logger })
    await started(bus)
    await bus.publish(TOPIC, numbered(80, 80))
    const offsets = [{ partition: 0, offset: '5000' }]
    await withAdmin((admin) => admin.setOffsets({ groupId: name, topic: name, partitions: offsets }))
    const { seen } = await collect(bus, { group: TOPIC })
    await allSeen('records', seen, 80)
    expect(lines.some((line) => line.includes('offset out of range'))).toBe(true)
    expect(await metrics.getSingleMetricAsString('pulso_bus_offset_out_of_range_total')).toMatch(/ [1-9]\d*$/m)
  })

  it('a record too large for the broker is refused at once, and the records published beside it are stored', async () => {
    const bus = await started(createBus(brokers).bus)
    const outcomes = await Promise.allSettled([
      bus.publish(TOPIC, numbered(5, 5)),
      bus.publish(TOPIC, [record('huge', randomBytes(3_000_000))]),
      bus.publish(TOPIC, numbered(5, 5, 5)),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect((outcomes[1] as PromiseRejectedResult).reason).not.toBeInstanceOf(UnavailableError)
    const { seen } = await collect(bus, { group: newId() })
    await allSeen('records', seen, 10)
  })

  it('a record of the largest accepted size can still be dead-lettered', async () => {
    const { bus } = createBus(brokers)
    await started(bus)
    const value = randomBytes(2 * 1024 * 1024 - 1_000)
    const dead = await readDead(bus)
    await collect(bus, { group: newId() }, () => {
      throw new PermanentError('x'.repeat(5_000))
    })
    await bus.publish(TOPIC, [record('large', value)])
    await eventually('it is dead-lettered', () => dead.length === 1)
    expect(dead[0]!.value.equals(value)).toBe(true)
  })

  it('records that other producers compressed with snappy, gzip or nothing are read', async () => {
    const { bus, name } = createBus(brokers)
    await started(bus)
    const { seen } = await collect(bus, { group: newId() })
    const producer = kafka.producer({ allowAutoTopicCreation: false })
    await producer.connect()
    for (const compression of [CompressionTypes.Snappy, CompressionTypes.GZIP, CompressionTypes.None])
      await producer.send({ topic: name, compression, messages: [{ key: null, value: `codec ${compression}` }] })
    await producer.disconnect()
    await allSeen('records', seen, 3)
    expect(seen.map(({ value }) => value).sort()).toEqual(['codec 0', 'codec 1', 'codec 2'])
  })

  it('records are published compressed: 3 MB of one letter pass a limit of 2 MB', async () => {
    const bus = await started(createBus(brokers).bus)
    const { seen } = await collect(bus, { group: newId() })
    await bus.publish(TOPIC, [record('letters', 'a'.repeat(3_000_000))])
    await allSeen('records', seen, 1)
    expect(seen[0]!.value).toHaveLength(3_000_000)
  })

  it('partitions that an operator added are read too', async () => {
    const { bus, name } = createBus(brokers)
    await started(bus)
    await withAdmin(async (admin) => {
      await admin.createPartitions({ topicPartitions: [{ topic: name, count: 12 }] })
      await eventually('each partition has its leader', async () => {
        const { topics } = await admin.fetchTopicMetadata({ topics: [name] })
        return topics[0]!.partitions.filter(({ leader }) => leader >= 0).length === 12
      })
    })
    const { seen } = await collect(bus, { group: newId() })
    const producer = kafka.producer({ allowAutoTopicCreation: false })
    await producer.connect()
    await producer.send({
      topic: name,
      messages: Array.from({ length: 12 }, (_, partition) => ({ partition, value: String(partition) })),
    })
    await producer.disconnect()
    await allSeen('records', seen, 12, 50_000)
    expect(await bus.partitionsOf(TOPIC)).toBe(12)
    expect(distinct(seen).size).toBe(12)
  })

  it('without a broker, starting and publishing throw UnavailableError in time, and a consumer waits', async () => {
    const { bus } = createBus(`127.0.0.1:${await freePort()}`, { publishTimeoutMs: 300 })
    onTestFinished(bus.stop)
    await bus.consume({ group: 'g', topic: TOPIC, handle: async () => undefined })
    await expect(bus.start()).rejects.toThrow(UnavailableError)
    await expect(bus.publish(TOPIC, numbered(1, 1))).rejects.toThrow(UnavailableError)
    await expect(bus.ensureTopics([TOPIC])).rejects.toThrow(UnavailableError)
    await expect(bus.check()).rejects.toThrow(UnavailableError)
  })
})
