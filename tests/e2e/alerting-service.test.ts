import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { AccountHealth } from '#libs/contracts/account-health.ts'
import { accountKey, deadTopicOf } from '#libs/contracts/topics.ts'
import { armFailpoints } from '#libs/runtime/failpoint.ts'
import type { Service } from '#libs/runtime/service.ts'
import { alertingConfigSchema } from '../../services/alerting/config.ts'
import { createAlerting } from '../../services/alerting/service.ts'
import { eventually } from '../support/eventually.ts'
import { createTestPlatform, type TestPlatform } from '../support/processes/platform.ts'
import { accountChange } from '../support/scoring/account-changes.ts'

let test_: TestPlatform
let service: Service
beforeAll(async () => {
  test_ = await createTestPlatform()
  service = createAlerting(test_.platform, alertingConfigSchema.parse({}))
  await test_.prepare(service)
  await service.start()
})
afterAll(async () => {
  await service.stop()
  await test_.stop()
})

const now = Date.now()
const publish = (messages: readonly AccountHealth[]) =>
  test_.platform.bus.publish(
    'account.health',
    messages.map((message) => ({
      key: accountKey(message.tenantId, message.accountId),
      value: Buffer.from(JSON.stringify(message)),
    })),
  )
const countAlerts = async (): Promise<number> =>
  (await test_.platform.database.query<{ n: number }>('select count(*) as n from alerting.alert'))[0]!.n

test('changes sent up to three times make one alert per crossing and one event per transition; a record that is none is parked', async () => {
  const seen: string[] = []
  const { bus } = test_.platform
  const events = await bus.consume({
    group: 'test',
    topic: 'alert.events',
    handle: async ({ records }) => {
      for (const record of records) {
        const event = JSON.parse(record.value.toString('utf8'))
        seen.push(`${event.accountId} ${event.ruleId} ${event.episode} ${event.transition}`)
      }
    },
  })
  const accounts = Array.from({ length: 40 }, (_, i) => `account-${i}`)
  const changes = accounts.flatMap((accountId) =>
    [80, 45, 46, 70].map((score, i) =>
      accountChange({ accountId, sequence: i + 1, score, previousScore: 80, at: now + i * 1_000 }),
    ),
  )
  await publish(changes)
  await bus.publish('account.health', [{ key: 'default:account-0', value: Buffer.from('{"no":"change"}') }])
  await publish(changes.filter((_, i) => i % 2 === 0))
  await publish(changes)
  await publish([accountChange({ accountId: 'last', sequence: 1, score: 40, at: now })])
  await eventually('an alert per crossing', async () => (await countAlerts()) === 81)
  await eventually('an event per transition', () => seen.length >= 40 * 4 + 1)
  expect(new Set(seen).size).toBe(161)
  expect(await countAlerts()).toBe(81)
  const [deadLettered] = await test_.platform.database.query<{ n: number }>(
    'select coalesce(sum(record_count), 0) as n from bus.chunks join bus.topics on id = topic_id where name = $1',
    [deadTopicOf('account.health')],
  )
  expect(deadLettered!.n).toBe(1)
  await events.stop()
})

test('a batch whose evaluation fails just before its commit comes again and is evaluated', async () => {
  armFailpoints([{ name: 'alerting.evaluate.before', effect: 'throw', sleepMs: 0, hit: 1 }])
  onTestFinished(() => armFailpoints([]))
  const alertsOf = (accountId: string) =>
    test_.platform.database.query('select from alerting.alert where account_id = $1', [accountId])
  await publish([accountChange({ accountId: 'unlucky', sequence: 1, score: 40, at: now })])
  await eventually('it is evaluated', async () => (await alertsOf('unlucky')).length > 0)
  expect(await alertsOf('unlucky')).toHaveLength(1)
})
