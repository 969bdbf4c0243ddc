import { expect, onTestFinished, test } from 'vitest'
import { accountKey } from '#libs/contracts/topics.ts'
import { systemClock } from '#libs/runtime/clock.ts'
import { armFailpoints } from '#libs/runtime/failpoint.ts'
import { newId } from '#libs/runtime/ids.ts'
import { eventually } from '../../../tests/support/eventually.ts'
import { createTestPlatform } from '../../../tests/support/processes/platform.ts'
import { scoringConfigSchema } from '../config.ts'
import { createScoring } from '../service.ts'
import { dropDeadLetter, insertDeadLetters, type NewDeadLetter } from './dead-letter-store.ts'
import { createReplayDeadLetters } from './replay-dead-letters.ts'

const OPERATOR = { tenantId: 'default', keyId: 'key', name: 'tester', scopes: ['admin'], operator: true } as const
const AT = Date.parse('2026-11-30T10:00:00.000Z')

const start = async () => {
  const { platform, prepare, stop } = await createTestPlatform()
  onTestFinished(stop)
  await prepare({ ...createScoring(platform, scoringConfigSchema.parse({})), topics: ['usage.events'] })
  const { database, bus } = platform
  const keep = async (...letters: Partial<NewDeadLetter>[]): Promise<readonly string[]> => {
    const whole = letters.map((letter, i) => ({
      id: newId(),
      tenantId: 'default',
      accountId: 'acme',
      topic: 'usage.events',
      partition: 0,
      offset: i,
      key: accountKey('default', 'acme'),
      headers: {},
      value: Buffer.from(String(i)),
      reason: 'of yesterday',
      at: AT,
      ...letter,
    }))
    await insertDeadLetters(database, whole)
    return whole.map(({ id }) => id)
  }
  const readTopic = async (count: number): Promise<readonly string[]> => {
    const values: string[] = []
    const { stop } = await bus.consume({
      group: newId(),
      topic: 'usage.events',
      handle: async ({ records }) => void values.push(...records.map(({ value }) => value.toString())),
    })
    await eventually('the topic is read', () => values.length >= count)
    await stop()
    return values
  }
  const statuses = async () =>
    (await database.query<{ status: string }>('select status from scoring.dead_letter order by record_offset')).map(
      ({ status }) => status,
    )
  const audit = () =>
    database.query<{ subject: string; detail: object }>('select subject, detail from access.audit order by id')
  const lapse = () => database.query("update scoring.dead_letter set claimed_until = now() - interval '1 second'")
  const replay = createReplayDeadLetters({ ...platform, clock: systemClock })
  return { ...platform, keep, readTopic, statuses, audit, lapse, replay }
}

/** Does something, once, when letters are published and about to be marked. */
const whenPublished = (effect: () => Promise<void>): void => {
  armFailpoints([{ name: 'scoring.replay.published', effect, sleepMs: 0, hit: 1 }])
  onTestFinished(() => armFailpoints([]))
}

test('a letter that is being replayed cannot be dropped: it is on its topic already', async () => {
  const { keep, replay, database, statuses } = await start()
  const [id] = await keep({})
  let dropped: unknown
  whenPublished(async () => {
    dropped = await dropDeadLetter(database, id!)
  })
  expect(await replay(OPERATOR, {})).toBe(1)
  expect(dropped).toBe(false)
  expect(await statuses()).toEqual(['replayed'])
})

test('a letter that was dropped when its claim had lapsed is replayed all the same once it is on its topic', async () => {
  const { keep, replay, database, statuses, lapse } = await start()
  const [id] = await keep({})
  whenPublished(async () => {
    await lapse()
    expect(await dropDeadLetter(database, id!)).toBe(true)
  })
  expect(await replay(OPERATOR, {})).toBe(1)
  expect(await statuses()).toEqual(['replayed'])
})

test('a process that stops between publish and mark leaves the letters to the next, and marks nothing when it wakes', async () => {
  const { keep, replay, statuses, audit, lapse, readTopic } = await start()
  await keep({}, {})
  let wake = (): void => {}
  const asleep = new Promise<void>((resolve) => {
    wake = resolve
  })
  whenPublished(() => asleep)
  const first = replay(OPERATOR, {})
  await eventually('it is published', async () => (await readTopic(2)).length === 2)
  expect(await replay(OPERATOR, {})).toBe(0)
  await lapse()
  expect(await replay(OPERATOR, {})).toBe(2)
  expect(await statuses()).toEqual(['replayed', 'replayed'])
  wake()
  expect(await first).toBe(0)
  expect(await audit()).toHaveLength(1)
})

test('letters whose publish failed may be replayed at once, and the others of the claim too', async () => {
  const { keep, replay, bus, statuses, database } = await start()
  const [alone] = await keep({ topic: 'account.health', offset: 0 })
  await expect(replay(OPERATOR, { id: alone! })).rejects.toThrow()
  const claims = await database.query('select from scoring.dead_letter where claim_token is not null')
  expect(claims).toEqual([])
  await keep({ topic: 'source.activity', offset: 1, at: AT + 1 }, { offset: 2, at: AT + 2 })
  await bus.ensureTopics(['account.health'])
  await expect(replay(OPERATOR, {})).rejects.toThrow()
  expect(await statuses()).toEqual(['replayed', 'waiting', 'waiting'])
  await bus.ensureTopics(['source.activity'])
  expect(await replay(OPERATOR, {})).toBe(2)
})

test('letters go onto their topic the oldest first, those of one instant in the order of their log', async () => {
  const { keep, replay, readTopic } = await start()
  const count = 300
  const order = Array.from({ length: count }, (_, i) => (i * 7) % count)
  // Written in another order than that of their age; ten share an instant.
  for (const i of order) await keep({ offset: i, value: Buffer.from(String(i)), at: AT + Math.floor(i / 10) })
  expect(await replay(OPERATOR, {})).toBe(count)
  expect(await readTopic(count)).toEqual(Array.from({ length: count }, (_, i) => String(i)))
})

test('a replay of several topics leaves an audit row for each of them', async () => {
  const { keep, replay, bus, audit } = await start()
  await bus.ensureTopics(['account.health'])
  await keep({}, { topic: 'account.health' }, {})
  expect(await replay(OPERATOR, { reason: 'yesterday' })).toBe(3)
  expect(await audit()).toEqual([
    { subject: '2 letters', detail: { letters: 2, topic: 'usage.events', reason: 'yesterday' } },
    { subject: '1 letters', detail: { letters: 1, topic: 'account.health', reason: 'yesterday' } },
  ])
})
