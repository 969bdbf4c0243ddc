import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { partitionOf } from '#libs/bus/murmur2.ts'
import { TOPICS } from '#libs/contracts/topics.ts'
import { eventually } from '../support/eventually.ts'
import { allSeen, type BusHarness, collect, distinct, numbered, openBus, record, TOPIC } from './bus-log.ts'

const valuesOf = (seen: readonly { key: string; value: string }[], key: string): number[] =>
  seen.filter((entry) => entry.key === key).map((entry) => Number(entry.value))

/** What arrives, where and in which order, when nothing fails. */
export const orderSuite = (harness: BusHarness): void => {
  it('records of one key arrive in the order published, also when publishes overlap', async () => {
    const bus = await openBus(await harness.freshLog())
    const { seen } = await collect(bus, { group: 'order' })
    const records = numbered(3_000, 20)
    await Promise.all(records.map((one) => bus.publish(TOPIC, [one])))
    await bus.publish(TOPIC, numbered(1_000, 20, 3_000))
    await allSeen('records', seen, 4_000)
    for (const { key } of records.slice(0, 20)) {
      // After a failure of one partition the whole request is repeated: records may repeat.
      const values = [...new Set(valuesOf(seen, key))]
      expect(values).toHaveLength(200)
      expect(values).toEqual([...values].sort((a, b) => a - b))
    }
  })

  it('a key’s partition is the one of murmur2, as every Kafka client computes it', async () => {
    const bus = await openBus(await harness.freshLog())
    const { seen } = await collect(bus, { group: 'partitions' })
    const keys = [
      't:ä-ö-ü',
      't:日本',
      't:x'.repeat(50),
      ...Array.from({ length: 100 }, (_, i) => `t:account-${i * 7919}`),
    ]
    await bus.publish(
      TOPIC,
      keys.map((key) => record(key, key)),
    )
    await allSeen('keys', seen, keys.length)
    const { partitions } = TOPICS[TOPIC]
    expect(await bus.partitionsOf(TOPIC)).toBe(partitions)
    for (const { key, partition } of seen) expect([key, partition]).toEqual([key, partitionOf(key, partitions)])
  })

  it('members of a group share the partitions, and each group gets everything', async () => {
    const address = await harness.freshLog()
    const [one, two] = [await openBus(address), await openBus(address)]
    const members = [await collect(one, { group: 'shared' }), await collect(two, { group: 'shared' })]
    let next = 0
    await eventually('both members are handed records', async () => {
      await one.publish(TOPIC, numbered(50, 50, next))
      next += 50
      return members.every(({ seen }) => seen.length > 0)
    })
    // Until here the group may have moved partitions; from here on each has one reader.
    const from = members.map(({ seen }) => seen.length)
    await one.publish(TOPIC, numbered(400, 200, next))
    await eventually('all is handled', () => distinct(members.flatMap(({ seen }) => seen)).size === next + 400)
    const [mine, theirs] = members.map(({ seen }, i) => new Set(seen.slice(from[i]).map(({ partition }) => partition)))
    expect([...mine!].filter((partition) => theirs!.has(partition))).toEqual([])

    const other = await collect(two, { group: 'other' })
    await allSeen('records for the second group', other.seen, next + 400)
  })

  it('headers, empty values and a record of 1 MB arrive as they were published', async () => {
    const bus = await openBus(await harness.freshLog())
    const large = randomBytes(1024 * 1024)
    const seen: unknown[] = []
    await bus.consume({
      group: 'bytes',
      topic: TOPIC,
      handle: async ({ records }) => {
        for (const { key, value, headers } of records)
          seen.push({ key, headers, same: value.equals(large), bytes: value.length })
      },
    })
    await bus.publish(TOPIC, [
      { key: 'a', value: large, headers: { kind: 'event', 'trace-id': 'ünï-日本' } },
      { key: 'a', value: Buffer.alloc(0) },
    ])
    await eventually('both arrive', () => seen.length === 2)
    expect(seen).toEqual([
      { key: 'a', headers: { kind: 'event', 'trace-id': 'ünï-日本' }, same: true, bytes: large.length },
      { key: 'a', headers: {}, same: false, bytes: 0 },
    ])
  })

  it('a member that stopped has committed what it handled, and knows how far it is behind', async () => {
    const address = await harness.freshLog()
    const bus = await openBus(address)
    await bus.publish(TOPIC, numbered(100, 10))
    const first = await collect(bus, { group: 'again' })
    await allSeen('records', first.seen, 100)
    await eventually('it is not behind', async () => (await first.lag()) === 0)
    await first.stop()
    await bus.publish(TOPIC, numbered(20, 10, 100))
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const second = await collect(bus, { group: 'again' }, () => held)
    await eventually('20 records are behind', async () => (await second.lag()) === 20)
    release()
    await allSeen('new records', second.seen, 20)
    expect([...distinct(second.seen)].map(Number).sort((a, b) => a - b)[0]).toBe(100)
    expect(second.seen).toHaveLength(20)
  })

  it('a topic with fewer partitions than its contract asks for is refused with both numbers', async () => {
    const address = await harness.freshLog()
    await harness.createTopic(address, TOPIC, 3)
    await expect(openBus(address)).rejects.toThrow(/usage\.events has 3 partitions.* 8\b/)
  })
}
