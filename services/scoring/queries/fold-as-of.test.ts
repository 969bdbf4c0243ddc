import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { accountKey } from '#libs/contracts/topics.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { createZone } from '#libs/time/time-zone.ts'
import { eventually } from '../../../tests/support/eventually.ts'
import { createManualClock, type ManualClock } from '../../../tests/support/manual-clock.ts'
import { anyEvents, NOW } from '../../../tests/support/scoring/account-history.ts'
import { modelDocument } from '../../../tests/support/scoring/model-documents.ts'
import { type ScorerFixture, startScorer } from '../../../tests/support/scoring/scorer.ts'
import { testSigner } from '../../../tests/support/scoring/usage-signer.ts'
import { encodeState } from '../core/codec/state-codec.ts'
import type { CountedEvent } from '../core/events/event.ts'
import { compileModel } from '../core/models/model.ts'
import { createLiveModels, type LiveModels } from '../models/live-models.ts'
import { parseModel } from '../models/model-document.ts'
import { createFindBeginning, type FindBeginning, findNone } from './find-beginning.ts'
import { foldAsOf } from './fold-as-of.ts'

const DAY_MS = 86_400_000
const RUNS = 12
const MINUTES_AHEAD = 3
let scorer: ScorerFixture
let clock: ManualClock
let liveModels: LiveModels
const zone = createZone('UTC')

beforeAll(async () => {
  clock = createManualClock(NOW)
  scorer = await startScorer(clock)
  liveModels = createLiveModels({
    database: scorer.database,
    clock,
    logger: silentLogger,
    metrics: createMetrics(),
    zone,
  })
  await liveModels.refresh()
})
afterAll(() => scorer?.stop())

/** Events told in days before `NOW`, sent as if `NOW` were the clock's time. */
const send = (accountId: string, events: readonly CountedEvent[]): Promise<void> =>
  scorer.send(
    ...events.map(({ receivedAt: _, ...event }) => {
      // Events of "now" are of a clock that runs ahead: they wait for their instant.
      const ahead = event.occurredAt === NOW ? MINUTES_AHEAD * 60_000 : 0
      const occurredAt = event.occurredAt + clock.now() - NOW + ahead
      const body = {
        ...event,
        accountId,
        tenantId: 'default',
        mode: clock.now() - occurredAt > 30 * DAY_MS ? 'backfill' : 'live',
        occurredAt: new Date(occurredAt).toISOString(),
        receivedAt: new Date(clock.now()).toISOString(),
      }
      return {
        key: accountKey('default', accountId),
        headers: testSigner.sign('event', 'default', clock.now()),
        value: Buffer.from(JSON.stringify(body)),
      }
    }),
  )

const counted = (accountId: string, ids: number): Promise<void> =>
  eventually(`${ids} events of ${accountId} are counted`, async () => {
    const [row] = await scorer.database.query<{ bytes: number }>(
      'select coalesce(sum(length(ids)), 0)::int as bytes from scoring.account_log where account_id = $1',
      [accountId],
    )
    return row!.bytes === 8 * ids
  })

const anyRounds = fc.array(
  fc.record({
    events: anyEvents(12).map((events) => events.filter(({ type }) => type !== 'Onboarding Bypassed')),
    /** Some were sent before: they count once. */
    repeated: fc.nat({ max: 3 }),
    days: fc.integer({ min: 1, max: 25 }),
  }),
  { minLength: 3, maxLength: 7 },
)

test('a view that begins at a copy of the account is the view of all its events, to the byte', async () => {
  const otherModel = compileModel(
    parseModel(JSON.stringify({ ...modelDocument((document) => (document.coreFeatures = ['f-1'])), version: 7 })),
  )
  let run = 0
  let begun = 0
  await fc.assert(
    fc.asyncProperty(anyRounds, fc.array(fc.integer({ min: 0, max: 120 })), async (rounds, looks) => {
      const accountId = `any-${run++}`
      const key = { tenantId: 'default', accountId }
      const startedAt = clock.now()
      const ids = new Set<string>()
      let before: readonly CountedEvent[] = []
      for (const [round, { events: told, repeated, days }] of rounds.entries()) {
        const events = told.map((event) => ({ ...event, id: `${round}-${event.id}` }))
        clock.advance(days * DAY_MS)
        await send(accountId, [...events, ...before.slice(0, repeated)])
        for (const { id } of events) ids.add(id)
        await counted(accountId, ids.size)
        before = events
      }
      const live = liveModels.modelFor('default', {})
      const find = await createFindBeginning(scorer.database, liveModels, key)
      const countingFind: FindBeginning = async (at, model) => {
        const found = await find(at, model)
        if (found !== undefined) begun++
        return found
      }
      const instants = [...looks.map((days) => startedAt + (days - 10) * DAY_MS), clock.now()]
      for (const likely of [live, otherModel]) {
        const asked = { sql: scorer.database, key, zone, likely, modelFor: () => live, maxEvents: 1_000 }
        const found = await foldAsOf({ ...asked, findBeginning: countingFind }, instants)
        const all = await foldAsOf({ ...asked, findBeginning: findNone }, instants)
        const bytes = (states: typeof all) => states.map(({ at, state }) => [at, encodeState(state).toString('hex')])
        expect(bytes(found)).toEqual(bytes(all))
      }
    }),
    { numRuns: RUNS },
  )
  expect(begun).toBeGreaterThan(RUNS)
  const [copies] = await scorer.database.query<{ n: number }>('select count(*)::int as n from scoring.account_snapshot')
  expect(copies!.n).toBeGreaterThan(RUNS)
}, 120_000)

test('an erased user leaves with every copy of the account, and the next month copies it without the user', async () => {
  const [accountId, canary] = ['erased', 'user-canary']
  const eventOf = (id: string, userId: string): CountedEvent => ({
    ...{ id, userId, source: 'web', type: 'Feature Used', occurredAt: NOW, receivedAt: NOW },
    properties: { feature: 'reports' },
  })
  const copiesWith = async (text: string): Promise<{ all: number; named: number }> => {
    const [row] = await scorer.database.query<{ all: number; named: number }>(
      `select count(*)::int as all,
         (count(*) filter (where position($2::bytea in state) > 0 or position($2::bytea in pages) > 0))::int as named
       from scoring.account_snapshot where account_id = $1`,
      [accountId, Buffer.from(text)],
    )
    return row!
  }
  for (const [round, id] of ['e-1', 'e-2', 'e-3'].entries()) {
    await send(accountId, [eventOf(`${id}-a`, canary), eventOf(`${id}-b`, 'user-kept')])
    await counted(accountId, 2 * (round + 1))
    clock.advance(32 * DAY_MS)
  }
  const before = await copiesWith(canary)
  expect(before.all).toBe(2)
  expect((await copiesWith('user-kept')).named).toBe(2)
  expect(before.named).toBe(2)
  expect((await scorer.api.send('DELETE', `/v1/accounts/${accountId}/users/${canary}`)).status).toBe(204)
  expect(await copiesWith(canary)).toEqual({ all: 0, named: 0 })
  clock.advance(32 * DAY_MS)
  await send(accountId, [eventOf('e-4', 'user-kept')])
  await eventually('the new month has its copy', async () => (await copiesWith(canary)).all > 0)
  expect((await copiesWith(canary)).named).toBe(0)
})
