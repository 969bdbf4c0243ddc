import { expect, onTestFinished, test } from 'vitest'
import type { Bus } from '#libs/bus/bus.ts'
import type { AccountHealth } from '#libs/contracts/account-health.ts'
import { UnavailableError } from '#libs/runtime/errors.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { eventually } from '../../../tests/support/eventually.ts'
import { createTestPlatform, type TestPlatform } from '../../../tests/support/processes/platform.ts'
import { usageRecord } from '../../../tests/support/scoring/scorer.ts'
import { scoringConfigSchema } from '../config.ts'
import { createScoring } from '../service.ts'

type Publish = Bus['publish']
const ACCOUNTS = Array.from({ length: 20 }, (_, i) => `account-${i}`)

const start = async ({ platform, prepare }: TestPlatform, publish: Publish) => {
  const bus: Bus = { ...platform.bus, publish: (topic, records) => publish(topic, records) }
  const service = createScoring({ ...platform, bus, metrics: createMetrics() }, scoringConfigSchema.parse({}))
  await prepare(service)
  await service.start()
  return service
}

const createLog = async () => {
  const shared = await createTestPlatform()
  onTestFinished(shared.stop)
  const { bus } = shared.platform
  const sourceActivity: string[] = []
  const listen = (): Promise<unknown> =>
    bus.consume({
      group: 'test',
      topic: 'account.health',
      handle: async ({ records }) => {
        for (const { value } of records) {
          const { accountId, sequence } = JSON.parse(value.toString()) as AccountHealth
          sourceActivity.push(`${accountId} ${sequence}`)
        }
      },
    })
  const isScored = async (): Promise<boolean> =>
    (await shared.platform.database.query('select from scoring.account')).length === ACCOUNTS.length
  return { shared, bus, sourceActivity, listen, isScored }
}
const all = ACCOUNTS.map((accountId) => `${accountId} 1`).sort()
const use = (bus: Bus): Promise<void> =>
  bus.publish(
    'usage.events',
    ACCOUNTS.map((accountId) => usageRecord(accountId)),
  )

test('changes that could not be published are published by the next process, though nothing new comes', async () => {
  const { shared, bus, sourceActivity, listen, isScored } = await createLog()
  const away: Publish = async (topic, records) => {
    if (topic === 'account.health') throw new UnavailableError('the broker is away')
    await bus.publish(topic, records)
  }
  const before = await start(shared, away)
  await listen()
  await use(bus)
  await eventually('all are scored', isScored)
  await before.stop()
  expect(sourceActivity).toEqual([])
  const after = await start(shared, bus.publish)
  onTestFinished(after.stop)
  await eventually('all changes are heard', () => sourceActivity.length >= all.length)
  expect([...sourceActivity].sort()).toEqual(all)
})

test('what was published by a process that died before it took note is published again', async () => {
  const { shared, bus, sourceActivity, listen, isScored } = await createLog()
  const dying: Publish = async (topic, records) => {
    await bus.publish(topic, records)
    if (topic === 'account.health') throw new UnavailableError('the answer is lost')
  }
  const before = await start(shared, dying)
  await listen()
  await use(bus)
  await eventually('all are scored', isScored)
  await before.stop()
  const after = await start(shared, bus.publish)
  onTestFinished(after.stop)
  await eventually('all changes are heard twice', () => sourceActivity.length >= 2 * all.length)
  expect([...new Set(sourceActivity)].sort()).toEqual(all)
})

test('scoring is not ready while a change has waited for a minute to be published', async () => {
  const { shared, bus, isScored } = await createLog()
  let isAway = true
  const service = await start(shared, async (topic, records) => {
    if (isAway && topic === 'account.health') throw new UnavailableError('the broker is away')
    await bus.publish(topic, records)
  })
  onTestFinished(service.stop)
  const check = service.checks!['scoring.relay']!
  await use(bus)
  await eventually('all are scored', isScored)
  await expect(check()).resolves.toBeUndefined()
  await shared.platform.database.query(`update scoring.account_log set at = at - interval '61 seconds'`)
  await expect(check()).rejects.toThrow('changes are not published')
  isAway = false
  await eventually('all are published', () =>
    check().then(
      () => true,
      () => false,
    ),
  )
})
