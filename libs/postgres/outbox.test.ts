import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { type Clock, systemClock } from '#libs/runtime/clock.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { createRecordingBus, type RecordingBus } from '../../tests/support/bus/recording-bus.ts'
import { eventually } from '../../tests/support/eventually.ts'
import { createManualClock } from '../../tests/support/manual-clock.ts'
import { createTestDatabase } from '../../tests/support/postgres/postgres.ts'
import type { Database } from './database.ts'
import { createOutboxRelay, enqueue, type OutboxRecord } from './outbox.ts'
import { createDatabase } from './pg-database.ts'

let database: Database
let bus: RecordingBus
let drop: () => Promise<void>

beforeAll(async () => {
  const created = await createTestDatabase()
  drop = created.drop
  database = createDatabase({ connectionString: created.connectionString, logger: silentLogger })
  await database.query('create schema shop')
  await database.query(
    `create table shop.outbox (id bigint generated always as identity primary key, topic text not null, key text not null,
       headers jsonb, value bytea not null)`,
  )
  await database.query(
    'create table shop.lease (name text primary key, token uuid not null, leased_until timestamptz not null)',
  )
})
beforeEach(async () => {
  bus = createRecordingBus()
  await database.query('truncate shop.outbox, shop.lease')
})
afterAll(async () => {
  await database.stop()
  await drop()
})

const refuseDelete: Database['query'] = (text, params) =>
  text.startsWith('delete from shop.outbox') ? Promise.reject(new Error('gone')) : database.query(text, params)

type RelayOptions = {
  readonly bus?: RecordingBus
  readonly clock?: Clock
  readonly leaseMs?: number
  readonly oldestMs?: number
  /** What was published cannot be deleted. */
  readonly failing?: boolean
}
const relay = (options: RelayOptions = {}) => {
  const made = createOutboxRelay({
    database: options.failing ? { ...database, query: refuseDelete } : database,
    bus: options.bus ?? bus,
    clock: options.clock ?? systemClock,
    logger: silentLogger,
    metrics: createMetrics(),
    schema: 'shop',
    oldestMs: options.oldestMs ?? 60_000,
    ...(options.leaseMs === undefined ? {} : { leaseMs: options.leaseMs }),
  })
  onTestFinished(made.stop)
  made.start()
  return made
}
const record = (value: number, key = 'k'): OutboxRecord => ({
  topic: 'alert.events',
  key,
  headers: { kind: 'x' },
  value: Buffer.from(String(value)),
})
const put = (...records: OutboxRecord[]) => database.transaction((tx) => enqueue(tx, 'shop', records))
const published = () => bus.published.map((one) => Number(one.record.value))
const waiting = async () => (await database.query<{ n: number }>('select count(*) as n from shop.outbox'))[0]!.n
const empty = () => eventually('the outbox is empty', async () => (await waiting()) === 0)

test('records are published as enqueued, in their order, and then deleted', async () => {
  await put(record(1), record(2))
  await put(record(3))
  relay()
  await empty()
  expect(published()).toEqual([1, 2, 3])
  expect(bus.published[0]).toEqual({
    topic: 'alert.events',
    record: { key: 'k', headers: { kind: 'x' }, value: Buffer.from('1') },
  })
})

test('a transaction that rolls back publishes nothing', async () => {
  const failing = database.transaction(async (tx) => {
    await enqueue(tx, 'shop', [record(1)])
    throw new Error('no')
  })
  await expect(failing).rejects.toThrow('no')
  await put(record(2))
  relay()
  await empty()
  expect(published()).toEqual([2])
})

test('a record is published though its transaction commits after that of a later record', async () => {
  relay()
  await database.transaction(async (tx) => {
    await enqueue(tx, 'shop', [record(1, 'slow')])
    await put(record(2, 'quick'))
    await eventually('the later one is published', () => bus.published.length === 1)
  })
  await eventually('the earlier one too', () => bus.published.length === 2)
  expect(published()).toEqual([2, 1])
})

test('nothing is lost while the log is unavailable, and publishing resumes when it is back', async () => {
  bus.away = true
  await put(record(1), record(2))
  relay()
  await eventually('it was tried', () => bus.attempts > 0)
  expect(await waiting()).toBe(2)
  bus.away = false
  await empty()
  expect(published()).toEqual([1, 2])
})

test('a relay that dies between publishing and deleting publishes again', async () => {
  await put(record(1))
  const gone = relay({ failing: true })
  await eventually('it has published', () => bus.published.length === 1)
  await gone.stop()
  relay()
  await empty()
  expect(published()).toEqual([1, 1])
})

test('a relay that stops in a publish holds up the others for its lease, and no transaction is open', async () => {
  const hanging = createRecordingBus()
  const never = Promise.withResolvers<void>()
  hanging.gate = never.promise
  // A stopped process renews nothing: its clock stands still.
  const stopped = relay({ bus: hanging, clock: createManualClock(0), leaseMs: 300 })
  await put(record(1))
  stopped.wake()
  await eventually('it is publishing', () => hanging.attempts === 1)
  const [open] = await database.query<{ n: number }>(
    `select count(*) as n from pg_stat_activity
     where datname = current_database() and state like 'idle in transaction%'`,
  )
  expect(open!.n).toBe(0)
  relay()
  await empty()
  expect(published()).toEqual([1])
  never.resolve()
})

test('a relay that publishes slowly keeps its lease', async () => {
  const opened = Promise.withResolvers<void>()
  bus.gate = opened.promise
  await put(record(1))
  const slow = relay({ leaseMs: 150 })
  await eventually('it is publishing', () => bus.attempts === 1)
  const [before] = await database.query<{ until: number }>('select leased_until as until from shop.lease')
  const second = relay({ leaseMs: 150 })
  await eventually('the lease was renewed twice', async () => {
    second.wake()
    const [now] = await database.query<{ until: number }>('select leased_until as until from shop.lease')
    return now!.until > before!.until + 150
  })
  expect(bus.attempts).toBe(1)
  opened.resolve()
  await empty()
  await slow.stop()
  expect(published()).toEqual([1])
})

test('two relays publish each record once', async () => {
  const relays = [relay(), relay()]
  for (let i = 0; i < 50; i++) {
    await put(record(i))
    for (const each of relays) each.wake()
  }
  await empty()
  expect(published()).toEqual(Array.from({ length: 50 }, (_, i) => i))
})

test('a relay that is woken after a commit does not wait for its next look', async () => {
  const woken = relay()
  await put(record(0))
  await empty()
  const before = performance.now()
  await put(record(1))
  woken.wake()
  await eventually('published', () => bus.published.length === 2)
  expect(performance.now() - before).toBeLessThan(500)
})

test('a relay whose oldest record stays is not ready, and is again once it has gone', async () => {
  bus.away = true
  const { check } = relay({ oldestMs: 0 })
  await check()
  await put(record(1))
  await check()
  await expect(check()).rejects.toThrow('stands still')
  bus.away = false
  await empty()
  await expect(check()).resolves.toBeUndefined()
})
