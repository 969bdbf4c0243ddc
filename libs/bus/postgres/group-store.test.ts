import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from '#libs/postgres/database.ts'
import { migrate } from '#libs/postgres/migrate.ts'
import { createDatabase } from '#libs/postgres/pg-database.ts'
import { newId } from '#libs/runtime/ids.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createTestDatabase } from '../../../tests/support/postgres/postgres.ts'
import { BUS_MIGRATIONS, BUS_SCHEMA } from './bus.ts'
import { encodeChunk } from './chunk.ts'
import { createGroupStore, type GroupStore } from './group-store.ts'
import { createLogStore, type LogStore } from './log-store.ts'

let database: Database
let groups: GroupStore
let log: LogStore
let drop: () => Promise<void>

beforeAll(async () => {
  const created = await createTestDatabase()
  drop = created.drop
  const { connectionString } = created
  await migrate({ connectionString, schema: BUS_SCHEMA, folder: BUS_MIGRATIONS, logger: silentLogger })
  database = createDatabase({ connectionString, logger: silentLogger })
  groups = createGroupStore(database)
  log = createLogStore(database)
})

afterAll(async () => {
  await database.stop()
  await drop()
})

const newTopic = async (): Promise<{ topicId: number; topic: string }> => {
  const topic = `topic-${newId()}`
  await log.createTopic(topic, 2)
  return { topicId: (await log.findTopic(topic))!.id, topic }
}
const append = async (topic: string, count: number) => {
  const keyed = Array.from({ length: count }, () => ({
    record: { key: 'k', value: Buffer.from('v') },
    key: Buffer.from('k'),
  }))
  await log.append(topic, [0], [await encodeChunk(keyed, 0)])
}
const endLease = (member: string) =>
  database.query("update bus.readers set expires_at = now() - interval '1 second' where member = $1", [member])
const positionOf = async (topicId: number) => {
  const [row] = await database.query<{ position: number }>(
    'select position from bus.readers where topic_id = $1 and partition = 0',
    [topicId],
  )
  return row!.position
}

test('a partition is claimed by one member, after its lease by another; later heartbeats of the first change nothing', async () => {
  const place = await newTopic()
  const first = { ...place, group: 'g', member: newId() }
  const second = { ...place, group: 'g', member: newId() }
  await groups.addReaders(first)
  const [lease] = await groups.claim(first, [0])
  expect(await groups.claim(second, [0])).toEqual([])
  expect((await groups.heartbeat(first, [{ ...lease!, position: 5 }])).claimed).toEqual(new Set([0]))
  await endLease(first.member)
  expect(await groups.claim(second, [0])).toEqual([{ partition: 0, epoch: lease!.epoch + 1, position: 5 }])
  expect((await groups.heartbeat(first, [{ ...lease!, position: 9 }])).claimed).toEqual(new Set())
  await groups.release(first, { ...lease!, position: 9 })
  expect(await positionOf(place.topicId)).toBe(5)
  expect(await groups.claim(first, [0])).toEqual([])
})

test('a member without its lease is given nothing to read', async () => {
  const place = await newTopic()
  const member = { ...place, group: 'g', member: newId() }
  await append(place.topic, 3)
  await groups.addReaders(member)
  const [lease] = await groups.claim(member, [0])
  const read = (epoch: number) => log.read({ ...member, partition: 0, epoch }, 0, 1_000)
  expect(await read(lease!.epoch)).toHaveLength(1)
  expect(await read(lease!.epoch - 1)).toHaveLength(0)
})

test('a released partition is free at once, and its position never goes back', async () => {
  const place = await newTopic()
  const first = { ...place, group: 'g', member: newId() }
  await groups.addReaders(first)
  const [lease] = await groups.claim(first, [0])
  await groups.heartbeat(first, [{ ...lease!, position: 7 }])
  await groups.release(first, { ...lease!, position: 3 })
  expect(await groups.claim({ ...first, member: newId() }, [0])).toMatchObject([{ position: 7 }])
})

test('old records are deleted once every group has passed them, and a new group begins with the oldest kept one', async () => {
  const place = await newTopic()
  const [slow, fast] = ['slow', 'fast'].map((group) => ({ ...place, group, member: newId() }))
  for (let i = 0; i < 4; i++) await append(place.topic, 10)
  for (const member of [slow!, fast!]) await groups.addReaders(member)
  const [slowLease] = await groups.claim(slow!, [0])
  const [fastLease] = await groups.claim(fast!, [0])
  await groups.heartbeat(fast!, [{ ...fastLease!, position: 40 }])
  await groups.heartbeat(slow!, [{ ...slowLease!, position: 15 }])
  await log.deleteOld({ topicId: place.topicId, partition: 0 }, 60_000)
  const readFrom = async (offset: number) =>
    (await log.read({ ...slow!, partition: 0, epoch: slowLease!.epoch }, offset, 1e6)).map((chunk) => chunk.last_offset)
  expect(await readFrom(0)).toEqual([9, 19, 29, 39])
  await log.deleteOld({ topicId: place.topicId, partition: 0 }, 0)
  expect(await readFrom(0)).toEqual([19, 29, 39])
  const newcomer = { ...place, group: 'new', member: newId() }
  await groups.addReaders(newcomer)
  expect(await groups.claim(newcomer, [0, 1])).toEqual([
    { partition: 0, epoch: 1, position: 10 },
    { partition: 1, epoch: 1, position: 0 },
  ])
})

test('appends of several writers to overlapping partitions never deadlock, and leave no gap', async () => {
  const { topic, topicId } = await newTopic()
  const chunk = await encodeChunk([{ record: { key: 'k', value: Buffer.from('v') }, key: Buffer.from('k') }], 0)
  await Promise.all(
    Array.from({ length: 60 }, (_, i) =>
      log.append(topic, i % 3 === 0 ? [1] : [0, 1], i % 3 === 0 ? [chunk] : [chunk, chunk]),
    ),
  )
  expect(await log.ends(topicId)).toEqual(
    new Map([
      [0, 40],
      [1, 60],
    ]),
  )
  const rows = await database.query(
    'select last_offset from bus.chunks where topic_id = $1 and partition = 1 order by 1',
    [topicId],
  )
  expect(rows.map((row) => row.last_offset)).toEqual(Array.from({ length: 60 }, (_, i) => i))
})
