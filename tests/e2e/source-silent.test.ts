import { expect, onTestFinished, test } from 'vitest'
import type { Bus } from '#libs/bus/bus.ts'
import { deadTopicOf, sourceKey } from '#libs/contracts/topics.ts'
import { alertingConfigSchema } from '../../services/alerting/config.ts'
import { createAlerting } from '../../services/alerting/service.ts'
import { eventually } from '../support/eventually.ts'
import { createTestPlatform } from '../support/processes/platform.ts'

const SECOND_IN_HOURS = 1 / 3_600
const report = (bus: Bus, heardAt: number) =>
  bus.publish('source.activity', [
    {
      key: sourceKey('default', 'web'),
      value: Buffer.from(
        JSON.stringify({
          tenantId: 'default',
          source: 'web',
          heardAt: new Date(heardAt).toISOString(),
          expectedIntervalHours: SECOND_IN_HOURS,
        }),
      ),
    },
  ])

test('by the real clock, a source that is expected every second alerts when it stops, and is well again when it is heard', async () => {
  const test_ = await createTestPlatform()
  const service = createAlerting(test_.platform, alertingConfigSchema.parse({}))
  await test_.prepare(service)
  await service.start()
  onTestFinished(async () => {
    await service.stop()
    await test_.stop()
  })
  const { bus, database } = test_.platform
  const events: string[] = []
  const reader = await bus.consume({
    group: 'test',
    topic: 'alert.events',
    handle: async ({ records }) => {
      for (const { value } of records) {
        const { source, accountId, ruleId, transition } = JSON.parse(value.toString('utf8'))
        events.push(`${ruleId} ${source} ${accountId} ${transition}`)
      }
    },
  })
  const heardAt = Date.now()
  await bus.publish('source.activity', [{ key: 'default:web', value: Buffer.from('{"source":"web"}') }])
  await report(bus, heardAt)
  await eventually('the source is silent', () => events.includes('source_silent web null firing'))
  const [alert] = await database.query<{ firedAt: number }>('select fired_at as "firedAt" from alerting.alert')
  expect(alert!.firedAt - heardAt).toBe(1_000)
  await report(bus, Date.now())
  await eventually('it is heard', () => events.includes('source_silent web null recovering'))
  const [deadLettered] = await database.query<{ n: number }>(
    'select coalesce(sum(record_count), 0) as n from bus.chunks join bus.topics on id = topic_id where name = $1',
    [deadTopicOf('source.activity')],
  )
  expect(deadLettered!.n).toBe(1)
  await reader.stop()
})
