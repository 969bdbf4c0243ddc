import { expect, onTestFinished, test } from 'vitest'
import type { Database } from '#libs/postgres/database.ts'
import { type Logger, silentLogger } from '#libs/runtime/logger.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { createZone } from '#libs/time/time-zone.ts'
import { eventually } from '../../../tests/support/eventually.ts'
import { createTestPlatform } from '../../../tests/support/processes/platform.ts'
import { createRoutesClient } from '../../../tests/support/routes-client.ts'
import { usageRecord } from '../../../tests/support/scoring/scorer.ts'
import { scoringConfigSchema } from '../config.ts'
import { STATE_LAYOUT } from '../core/codec/state-codec.ts'
import { createLiveModels } from '../models/live-models.ts'
import { createScoring } from '../service.ts'
import { createStateUpgrade } from './state-upgrade.ts'

const FORMER = `'\\x0199'`
const THROUGH = 'accounts are of the layout of this release'

const passes = (check: () => Promise<unknown>): Promise<boolean> =>
  check().then(
    () => true,
    () => false,
  )

/** Keeps the fields of the lines that an upgrade ends with. */
const listen = () => {
  const ends: { left: number; folded: number; frames: number; events: number }[] = []
  const info = (fields: never, message: string) => void (message === THROUGH && ends.push(fields))
  return { ends, logger: Object.assign(Object.create(silentLogger), { info }) as Logger }
}

const startScorers = async () => {
  const { platform, prepare, stop } = await createTestPlatform()
  onTestFinished(stop)
  const { database, bus } = platform
  const start = async (logger: Logger = silentLogger) => {
    const metrics = createMetrics()
    const service = createScoring({ ...platform, metrics, logger }, scoringConfigSchema.parse({}))
    await prepare(service)
    await service.start()
    return { ...service, metrics, platform }
  }
  const send = async (...records: ReturnType<typeof usageRecord>[]) => {
    await bus.publish('usage.events', records)
  }
  const counted = async (events: number) => {
    await eventually('all are counted', async () => {
      const [row] = await database.query<{ n: number }>(
        'select sum(length(ids) / 8)::int as n from scoring.account_log',
      )
      return row!.n === events
    })
  }
  return { ...platform, platform, start, send, counted }
}

const stored = (database: Database) =>
  database.query<{ account_id: string; version: number; state: Buffer; pages: string[] }>(
    `select account_id, version, encode(state, 'hex') as state,
       (select array_agg(kind || ':' || page || ':' || encode(bytes, 'hex') order by kind, page) from scoring.account_page p
        where p.account_id = a.account_id) as pages
     from scoring.account a order by account_id`,
  )
const makeFormer = (database: Database) => database.query(`update scoring.account set state = ${FORMER}`)

/** Events of several kinds, of which some come in one flush with those of other accounts. */
const eventsOf = (accountId: string, round: number) => [
  usageRecord(accountId, { userId: `u-${round}` }),
  usageRecord(accountId, {
    type: 'Support Ticket Opened',
    properties: { ticketId: `T-${round}`, priority: round % 2 === 0 ? 'urgent' : 'low' },
  }),
]

const fill = async ({ start, send, counted }: Awaited<ReturnType<typeof startScorers>>, accounts: number) => {
  const service = await start()
  const ids = Array.from({ length: accounts }, (_, n) => `acme-${String(n).padStart(3, '0')}`)
  for (let round = 0; round < 3; round++) {
    await send(...ids.flatMap((id) => eventsOf(id, round)))
    await counted(ids.length * 2 * (round + 1))
  }
  await service.stop()
  return ids.length * 6
}

test('300 accounts of a former layout are folded to the bytes they had, and each frame is unpacked once', async () => {
  const scorers = await startScorers()
  const { database } = scorers
  const events = await fill(scorers, 300)
  const before = await stored(database)
  const [{ frames } = { frames: 0 }] = await database.query<{ frames: number }>(
    'select count(*) as frames from scoring.log_frame',
  )
  await makeFormer(database)
  const { ends, logger } = listen()
  const service = await scorers.start(logger)
  await eventually('all are folded', () => passes(service.checks!['scoring.states']!))
  await service.stop()
  expect(ends).toMatchObject([{ left: 0, folded: 300, events }])
  expect(ends[0]!.frames).toBeLessThanOrEqual(frames)
  expect(await stored(database)).toEqual(before.map((row) => ({ ...row, version: row.version + 1 })))

  const next = await scorers.start(logger)
  await next.checks!['scoring.states']!()
  await next.stop()
  expect(ends.length).toBe(1)
})

test('a pass that was killed goes on where it was', async () => {
  const scorers = await startScorers()
  const { database, clock } = scorers
  await fill(scorers, 60)
  const before = await stored(database)
  await makeFormer(database)
  const liveModels = createLiveModels({ ...scorers.platform, zone: createZone('UTC') })
  await liveModels.start()
  const upgrade = (using: Database, logger: Logger, maxBytes = 1_000_000) => {
    const onThrough = async () => {}
    return createStateUpgrade({ database: using, clock, logger, liveModels, onThrough, accountsAtOnce: 10, maxBytes })
  }
  const { ends, logger } = listen()
  let pages = 0
  const dying: Database = {
    ...database,
    transaction: (work) =>
      database.transaction(async (tx) => {
        const done = await work(tx)
        if (pages++ === 2) throw new Error('killed before the commit')
        return done
      }),
  }
  const first = upgrade(dying, logger)
  await first.start()
  await eventually('the third page dies', () => pages === 3)
  await first.stop()
  expect(ends).toEqual([])
  const left = await first.accountsLeft()
  expect(left).toBeGreaterThan(0)
  expect(left).toBeLessThan(60)

  // Two at once share what is left; in one, ten accounts do not fit into memory together.
  const both = [upgrade(database, logger, 20_000), upgrade(database, logger)]
  for (const one of both) await one.start()
  for (const one of both) await eventually('nothing is left', () => passes(one.check))
  await Promise.all(both.map((one) => one.stop()))
  await liveModels.stop()
  expect(ends.reduce((sum, { folded }) => sum + folded, 0)).toBe(left)
  expect(await stored(database)).toEqual(before.map((row) => ({ ...row, version: row.version + 1 })))
})

test('while accounts are folded anew they can be read, the process is not ready, and an event waits and counts once', async () => {
  const scorers = await startScorers()
  const { database } = scorers
  const events = await fill(scorers, 3)
  await makeFormer(database)
  await database.query('update scoring.state_layout set layout = null, listed = null')
  const holding = Promise.withResolvers<void>()
  const held = Promise.withResolvers<void>()
  const lock = database.transaction(async (tx) => {
    await tx.query('select from scoring.state_layout for update')
    held.resolve()
    await holding.promise
  })
  await held.promise
  const service = await scorers.start()
  const api = await createRoutesClient(service.platform, service)
  onTestFinished(async () => {
    await api.close()
    await service.stop()
  })
  await eventually('the accounts are listed', async () =>
    (await service.metrics.metrics()).includes('pulso_scoring_former_states 3'),
  )
  const health = () => api.get<{ facts: { openUrgentTickets: number } }>('/v1/accounts/acme-001/health')
  await scorers.send(usageRecord('acme-001', { userId: 'u-9' }))
  expect((await health()).facts.openUrgentTickets).toBe(2)
  await expect(service.checks!['scoring.states']!()).rejects.toThrow('former layout')
  await scorers.counted(events)

  holding.resolve()
  await lock
  await scorers.counted(events + 1)
  await service.checks!['scoring.states']!()
  expect(await service.metrics.metrics()).toContain('pulso_scoring_former_states 0')
  const [row] = await database.query("select version, state from scoring.account where account_id = 'acme-001'")
  expect(row).toMatchObject({ state: expect.toSatisfy((state: Buffer) => state[0] === STATE_LAYOUT) })
})

test('an account that an older release has written since is folded when its next event comes', async () => {
  const scorers = await startScorers()
  const { database } = scorers
  const events = await fill(scorers, 20)
  const service = await scorers.start()
  await makeFormer(database)
  await scorers.send(...(await stored(database)).map(({ account_id }) => usageRecord(account_id)))
  await scorers.counted(events + 20)
  await service.stop()
  const states = (await stored(database)).map(({ state }) => Number.parseInt(String(state).slice(0, 2), 16))
  expect(states).toEqual(states.map(() => STATE_LAYOUT))
})
