import { expect, onTestFinished, test } from 'vitest'
import { toInstant } from '#libs/runtime/clock.ts'
import { armFailpoints } from '#libs/runtime/failpoint.ts'
import { eventually } from '../support/eventually.ts'
import { createManualClock, type ManualClock } from '../support/manual-clock.ts'
import { everyDay, modelDocument } from '../support/scoring/model-documents.ts'
import { createShared, type Replica, type Shared } from '../support/scoring/scoring-and-alerting.ts'

const DAY_MS = 86_400_000
const START = Date.parse('2026-03-26T10:00:00.000Z')
type Change = { readonly cause: string; readonly facts: { readonly advocate: boolean } }

const start = async () => {
  const clock = createManualClock(START)
  const shared = await createShared(clock)
  onTestFinished(shared.stop)
  return { clock, shared }
}
const say = ({ publish }: Shared, clock: ManualClock, accountId: string, type: string) => {
  const at = toInstant(clock.now())
  const body = { id: type, source: 'web', type, userId: 'u-1', occurredAt: at, receivedAt: at, properties: {} }
  return publish([{ accountId, kind: 'event', body }])
}
const stepping = async (clock: ManualClock, what: string, holds: () => Promise<boolean>): Promise<void> => {
  let steppedAt = 0
  const step = async (): Promise<boolean> => {
    if (performance.now() - steppedAt > 100) {
      clock.advance(1_000)
      steppedAt = performance.now()
    }
    return holds()
  }
  await eventually(what, step, 40_000)
}
const changesOf = async ({ api }: Replica, accountId: string) =>
  (await api.get<{ items: Change[] }>(`/v1/accounts/${accountId}/changes?limit=500`)).items
const scored = async ({ test: { platform } }: Shared, version: number): Promise<number> => {
  const [row] = await platform.database.query<{ n: number }>(
    'select count(*) as n from scoring.account where model_version = $1',
    [version],
  )
  return row!.n
}
const publish = async ({ api }: Replica, document: object): Promise<void> => {
  expect((await api.send('POST', '/v1/models', document)).status).toBe(201)
  expect((await api.send('POST', '/v1/models/default/versions/2/publish')).status).toBe(200)
}

test('a pass that dies after its accounts were asked for, before that was written down, moves each account once', async () => {
  const { clock, shared } = await start()
  const [one, two] = [await shared.startReplica(), await shared.startReplica()]
  const accounts = Array.from({ length: 20 }, (_, i) => `account-${i}`)
  for (const account of accounts) await say(shared, clock, account, 'Signed In')
  await stepping(clock, 'all are scored', async () => (await scored(shared, 1)) === accounts.length)

  armFailpoints([{ name: 'scoring.reevaluation.published', effect: 'throw', sleepMs: 0, hit: 1 }])
  onTestFinished(() => armFailpoints([]))
  await publish(one, modelDocument(everyDay))
  await stepping(clock, 'all are scored anew', async () => (await scored(shared, 2)) === accounts.length)
  // The other replica knows the version too, and the passes come to their end.
  await stepping(clock, 'nothing is left to look at', async () => {
    clock.advance(10_000)
    const rows = await shared.test.platform.database.query('select 1 from scoring.reevaluation')
    return rows.length === 0
  })
  for (const account of accounts) {
    expect(await two.api.get(`/v1/accounts/${account}/health`)).toMatchObject({ model: { id: 'default', version: 2 } })
    const moves = (await changesOf(two, account)).filter(({ cause }) => cause === 'model_change')
    expect(moves).toHaveLength(1)
  }
})

test('an account that recommends and has been healthy for long enough becomes an advocate on that day, by the timer alone', async () => {
  const { clock, shared } = await start()
  const replica = await shared.startReplica()
  const document = modelDocument((model) => {
    model.facts.advocateHealthyDays = 3
  })
  await publish(replica, document)
  await say(shared, clock, 'acme', 'Referral Made')
  await stepping(clock, 'it is there', async () => (await replica.api.status('/v1/accounts/acme')) === 200)
  const override = { score: 80, reason: 'we know them well' }
  expect((await replica.api.send('PUT', '/v1/accounts/acme/override', override)).status).toBe(200)
  const isAdvocate = async () => (await changesOf(replica, 'acme'))[0]!.facts.advocate
  expect(await isAdvocate()).toBe(false)

  const day = Math.floor(START / DAY_MS) * DAY_MS
  clock.moveTo(day + 3 * DAY_MS - 10_000)
  await stepping(clock, 'the day has come', async () => clock.now() >= day + 3 * DAY_MS || isAdvocate())
  await stepping(clock, 'it is an advocate', isAdvocate)
  expect(clock.now() - (day + 3 * DAY_MS)).toBeLessThan(20_000)
  expect(await replica.api.get('/v1/accounts/acme/health')).toMatchObject({ facts: { advocate: true } })
})
