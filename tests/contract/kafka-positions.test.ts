import { randomBytes } from 'node:crypto'
import { expect, it, onTestFinished } from 'vitest'
import type { Bus, Positions } from '#libs/bus/bus.ts'
import { createKafkaBus } from '#libs/bus/kafka/bus.ts'
import { systemClock } from '#libs/runtime/clock.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { eventually } from '../support/eventually.ts'
import { describeWithKafka } from '../support/kafka/kafka-suite.ts'

const TOPIC = 'account.health'
const RECORDS = 6
const GROUP = `readers-${randomBytes(4).toString('hex')}`

await describeWithKafka('positions that a handler keeps', (brokers) => {
  /** A log with six records of one key, all of which the group has read and committed. */
  const createReadLog = async (): Promise<{ readonly bus: Bus; readonly partition: number }> => {
    const bus = createKafkaBus({
      brokers: brokers.split(','),
      clientId: 'positions',
      topicPrefix: `positions-${randomBytes(4).toString('hex')}-`,
      logger: silentLogger,
      clock: systemClock,
      metrics: createMetrics(),
    })
    onTestFinished(() => bus.stop())
    await bus.start()
    await bus.ensureTopics([TOPIC])
    const records = Array.from({ length: RECORDS }, (_, i) => ({
      key: 'acme',
      value: Buffer.from(`${i}`),
      headers: {},
    }))
    await bus.publish(TOPIC, records)
    const { offsets, partition, subscription } = await read(bus)
    await eventually('the group has read the log', async () => offsets.length === RECORDS, 20_000)
    await subscription.stop()
    return { bus, partition: partition()! }
  }

  const read = async (bus: Bus, positions?: Positions) => {
    const offsets: number[] = []
    let partition: number | undefined
    const subscription = await bus.consume({
      group: GROUP,
      topic: TOPIC,
      ...(positions && { positions }),
      handle: async (batch) => {
        partition = batch.partition
        offsets.push(...batch.records.map(({ offset }) => offset))
      },
    })
    return { offsets, partition: () => partition, subscription }
  }

  const createPositions = (readStored: Positions['read']) => {
    const rewinds: unknown[] = []
    const written = new Map<number, number>()
    const positions: Positions = {
      read: readStored,
      write: async (partition, next) => void written.set(partition, next),
      onRewind: async (rewind) => void rewinds.push(rewind),
    }
    return { positions, rewinds, written }
  }

  it('win over the position of the group, and the handler is told of the rewind', async () => {
    const { bus, partition } = await createReadLog()
    expect((await bus.committed(GROUP, TOPIC)).get(partition)).toBe(RECORDS)
    const { positions, rewinds } = createPositions(async () => new Map([[partition, 2]]))
    const first = await read(bus, positions)
    await eventually('the rest is read', async () => first.offsets.at(-1) === RECORDS - 1, 20_000)
    await first.subscription.stop()
    expect(first.offsets).toEqual([2, 3, 4, 5])
    expect(rewinds).toEqual([{ partition, from: RECORDS, to: 2 }])
  })

  it('beyond the end of the log begin with its oldest record', async () => {
    const { bus, partition } = await createReadLog()
    const { positions, rewinds } = createPositions(async () => new Map([[partition, 1_000]]))
    const { offsets, subscription } = await read(bus, positions)
    await eventually('the log is read', async () => offsets.at(-1) === RECORDS - 1, 20_000)
    await subscription.stop()
    expect(offsets).toEqual([0, 1, 2, 3, 4, 5])
    expect(rewinds).toEqual([{ partition, from: RECORDS, to: 0 }])
  })

  it('that cannot be read hold up the partition until they can', async () => {
    const { bus, partition } = await createReadLog()
    let isDown = true
    let asked = 0
    const { positions } = createPositions(async () => {
      asked++
      if (isDown) throw new Error('the database is away')
      return new Map([[partition, 4]])
    })
    const { offsets, subscription } = await read(bus, positions)
    await eventually('the positions were asked for again', async () => asked > 2, 20_000)
    await bus.publish(TOPIC, [{ key: 'acme', value: Buffer.from('new'), headers: {} }])
    expect(offsets).toEqual([])
    isDown = false
    await eventually('the rest is read', async () => offsets.at(-1) === RECORDS, 20_000)
    await subscription.stop()
    expect(offsets).toEqual([4, 5, 6])
  })

  it('are not there after an upgrade: the position of the group serves, and is kept at once', async () => {
    const { bus, partition } = await createReadLog()
    const { positions, rewinds, written } = createPositions(async () => new Map())
    await bus.publish(TOPIC, [{ key: 'acme', value: Buffer.from('new'), headers: {} }])
    const { offsets, subscription } = await read(bus, positions)
    await eventually('the new record is read', async () => offsets.at(-1) === RECORDS, 20_000)
    await subscription.stop()
    expect(offsets).toEqual([RECORDS])
    expect(rewinds).toEqual([])
    // A copy of the database that is made before the next record says where the group was.
    expect(written.get(partition)).toBe(RECORDS)
    expect(new Set(written.values())).toEqual(new Set([0, RECORDS]))
  })
})
