import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '#libs/runtime/clock.ts'
import { UnavailableError } from '#libs/runtime/errors.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { eventually } from '../../../tests/support/eventually.ts'
import { createAlertingDatabase, type TestDatabase } from '../../../tests/support/postgres/alerting-database.ts'
import { createAlertEpoch } from './alert-epoch.ts'

const PAGE = new URL('../../../docs/backup-and-restore.md', import.meta.url)
const READERS = [{ group: 'alerting-sources', topic: 'source.activity' }] as const
let test_: TestDatabase
beforeAll(async () => {
  test_ = await createAlertingDatabase()
})
afterAll(async () => {
  await test_.drop()
})
beforeEach(async () => {
  await test_.database.query('truncate alerting.activity_position, alerting.log_position')
  await test_.database.query('update alerting.epoch set value = 0')
})

const store = (table: 'activity_position' | 'log_position', next: number) =>
  test_.database.query(
    `insert into alerting.${table} (partition, next_offset) values (0, $1)
     on conflict (partition) do update set next_offset = $1`,
    [next],
  )

/** A process whose broker has the group at `committed`. */
const start = (committed: () => Promise<number>) => {
  const bus = { committed: async () => new Map([[0, await committed()]]) }
  const { database } = test_
  const epoch = createAlertEpoch({ database, bus, clock: systemClock, logger: silentLogger, readers: READERS })
  onTestFinished(epoch.stop)
  epoch.start()
  return {
    isKnown: epoch.isKnown,
    known: () => eventually('it is compared', epoch.isKnown),
    current: () => database.transaction(epoch.current),
  }
}

test('a start on a database that is behind the log begins a new epoch before any alert can ask for it', async () => {
  await store('activity_position', 5)
  const answer = Promise.withResolvers<number>()
  const started = start(() => answer.promise)
  await expect(started.current()).rejects.toThrow(UnavailableError)
  answer.resolve(6)
  await started.known()
  expect(await started.current()).toBe(1)
  expect(await started.current()).toBe(1)
})

test('a start on a database that is as far as the log, or has kept no position yet, goes on in its epoch', async () => {
  const upgraded = start(async () => 6)
  await upgraded.known()
  expect(await upgraded.current()).toBe(0)
  await store('activity_position', 6)
  const started = start(async () => 6)
  await started.known()
  expect(await started.current()).toBe(0)
})

test('a log that does not answer keeps nobody from trying again', async () => {
  let asked = 0
  const started = start(async () => {
    if (asked++ === 0) throw new Error('no broker')
    return 6
  })
  await started.known()
  expect(await started.current()).toBe(0)
})

test('a database that goes back under a process, in any position or in the epoch itself, begins an epoch above all it saw', async () => {
  for (const table of ['activity_position', 'log_position'] as const) {
    const { known, current } = start(async () => -1)
    await known()
    await store(table, 10)
    const before = await current()
    await store(table, 11)
    expect(await current()).toBe(before)
    await store(table, 9)
    expect(await current()).toBe(before + 1)
    expect(await current()).toBe(before + 1)
    await test_.database.query('update alerting.epoch set value = 0')
    expect(await current()).toBe(before + 2)
  }
})

test('the statement of the page on restores begins an epoch above that of the backup', async () => {
  const { known, current } = start(async () => -1)
  await known()
  const before = await current()
  const [, statement] = /`(update alerting\.epoch [^`]+)`/.exec(await readFile(PAGE, 'utf8'))!
  await test_.database.query(statement!)
  expect(await current()).toBe(before + 1)
})
