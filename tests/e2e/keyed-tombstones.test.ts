import { createHash, randomBytes } from 'node:crypto'
import { Writable } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createStoredTombstones } from '#libs/access/tombstones.ts'
import { systemClock } from '#libs/runtime/clock.ts'
import { createLogger } from '#libs/runtime/logger.ts'
import { eventually } from '../support/eventually.ts'
import { findTexts } from '../support/find-text.ts'
import { usageRecord } from '../support/scoring/scorer.ts'
import { createShared, type Replica, type Shared } from '../support/scoring/scoring-and-alerting.ts'

const DAY_MS = 86_400_000
const [ACCOUNT, OTHER, USER] = ['anna@example.com', 'other', 'ben@example.com']
const [FIRST, SECOND] = [randomBytes(32), randomBytes(32)]

/** What a list of likely ids leads to. */
const BARE = [
  `default:${ACCOUNT}`,
  `default:${OTHER}`,
  JSON.stringify(['default', ACCOUNT, USER]),
  JSON.stringify(['default', OTHER, USER]),
  ACCOUNT,
  USER,
].map((text) => createHash('sha256').update(text).digest())

let shared: Shared
let log = ''
const logger = createLogger(
  'info',
  new Writable({
    write: (chunk, _encoding, done) => {
      log += String(chunk)
      done()
    },
  }),
)
const past = [ACCOUNT, OTHER].flatMap((accountId) => [
  ...[1, 2, 3].map((day) => usageRecord(accountId, { userId: USER, agoMs: day * DAY_MS })),
  usageRecord(accountId, { userId: 'u-1' }),
  usageRecord(accountId, { type: 'NPS Responded', userId: 'u-1', properties: { score: 1 } }),
])

const startWith = async (encryptionKey: Buffer, ...formerEncryptionKeys: Buffer[]): Promise<Replica> => {
  const { platform } = shared.test
  const keys = { encryptionKey, formerEncryptionKeys }
  const tombstones = createStoredTombstones({ database: platform.database, ...keys })
  return shared.startReplica({ tombstones, logger, settings: { ...platform.settings, ...keys } })
}
const send = (...records: ReturnType<typeof usageRecord>[]) => shared.test.platform.bus.publish('usage.events', records)
const idsOf = async ({ api }: Replica, accountId: string): Promise<readonly string[]> =>
  (await api.status(`/v1/accounts/${accountId}`)) === 404
    ? []
    : (await api.get<{ items: { id: string }[] }>(`/v1/accounts/${accountId}/events?limit=500`)).items.map(
        ({ id }) => id,
      )

/** Everything of before again, and behind it on each partition something of now. */
const sendPastAgain = async (replica: Replica, id: string): Promise<void> => {
  await send(...past, usageRecord(ACCOUNT, { id, userId: 'u-1' }), usageRecord(OTHER, { id, userId: 'u-1' }))
  for (const accountId of [ACCOUNT, OTHER])
    await eventually(`${accountId} has read it`, async () => (await idsOf(replica, accountId)).includes(id))
}

beforeAll(async () => {
  shared = await createShared(systemClock)
  await shared.test.platform.database.query('delete from access.tombstone_key')
})
afterAll(() => shared?.stop())

test('what is kept of an erased account and an erased user is no hash of their ids alone, in no table and no line of the log', async () => {
  const { database } = shared.test.platform
  const replica = await startWith(FIRST)
  await send(...past)
  await eventually('all of it is counted', async () => {
    const counted = [...(await idsOf(replica, ACCOUNT)), ...(await idsOf(replica, OTHER))]
    return counted.length === past.length
  })
  await eventually('alerting has seen them', async () => {
    const rows = await database.query('select from alerting.account where seen is not null')
    return rows.length === 2
  })
  expect((await replica.api.send('DELETE', `/v1/accounts/${ACCOUNT}/users/${USER}`)).status).toBe(204)
  expect((await replica.api.send('DELETE', `/v1/accounts/${OTHER}/users/${USER}`)).status).toBe(204)
  expect((await replica.api.send('DELETE', `/v1/accounts/${ACCOUNT}`)).status).toBe(204)
  for (const table of ['scoring.erased_account', 'scoring.erased_user', 'alerting.erased_account'])
    expect([table, await database.query(`select from ${table}`)]).toEqual([table, [{}]])
  const hex = BARE.map((bytes) => bytes.toString('hex'))
  expect(await findTexts(database, [...BARE, ...hex])).toEqual([])
  const lines = log.split('\n').filter((line) => /account erased|user erased/.test(line))
  expect(lines).toHaveLength(3)
  expect(lines.every((line) => /"hash":"hmac:[0-9a-f]{64}"/.test(line))).toBe(true)
  for (const text of [...hex, ACCOUNT, USER]) expect(log).not.toContain(text)
  await replica.stop()
})

test('they stay erased when the encryption key is replaced, with the former key given and with it gone', async () => {
  const counted: string[] = []
  for (const [id, keys] of [
    ['same-key', [FIRST]],
    ['former-given', [SECOND, FIRST]],
    ['former-gone', [SECOND]],
  ] as const) {
    const replica = await startWith(...(keys as readonly [Buffer, ...Buffer[]]))
    await sendPastAgain(replica, id)
    counted.push(id)
    expect((await idsOf(replica, ACCOUNT)).toSorted()).toEqual(counted.toSorted())
    // Theirs do not come back; what others did there was never erased.
    expect((await idsOf(replica, OTHER)).length).toBe(2 + counted.length)
    await replica.stop()
  }
})

test('tombstones of the former code hold, and an erasure puts keyed ones in their place', async () => {
  const { database } = shared.test.platform
  const replica = await startWith(SECOND)
  expect((await replica.api.send('DELETE', `/v1/accounts/${ACCOUNT}`)).status).toBe(204)
  // As a roll-back would have left them.
  await database.query(`update scoring.erased_account set account_hash = access.account_hash('default', $1)`, [ACCOUNT])
  await database.query(`update alerting.erased_account set account_hash = access.account_hash('default', $1)`, [
    ACCOUNT,
  ])
  await database.query('update scoring.erased_user set user_hash = $1', [BARE[3]])
  const [before] = await database.query<{ episodes: object }>('select states as episodes from alerting.erased_account')
  expect(before!.episodes).not.toEqual({})
  await sendPastAgain(replica, 'after-roll-back')
  expect(await idsOf(replica, ACCOUNT)).toEqual(['after-roll-back'])
  expect(await idsOf(replica, OTHER)).toHaveLength(6)

  expect((await replica.api.send('DELETE', `/v1/accounts/${OTHER}/users/${USER}`)).status).toBe(204)
  expect((await replica.api.send('DELETE', `/v1/accounts/${ACCOUNT}`)).status).toBe(204)
  expect(await findTexts(database, BARE)).toEqual([])
  const [after] = await database.query<{ episodes: object }>('select states as episodes from alerting.erased_account')
  expect(after).toEqual(before)
  await sendPastAgain(replica, 'keyed-again')
  expect(await idsOf(replica, ACCOUNT)).toEqual(['keyed-again'])
  expect(await idsOf(replica, OTHER)).toHaveLength(7)
  await replica.stop()
})
