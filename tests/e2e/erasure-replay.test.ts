import { expect, it, onTestFinished } from 'vitest'
import type { Bus } from '#libs/bus/bus.ts'
import { createKafkaBus } from '#libs/bus/kafka/bus.ts'
import { systemClock } from '#libs/runtime/clock.ts'
import { newId } from '#libs/runtime/ids.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { alertingConfigSchema } from '../../services/alerting/config.ts'
import { createAlerting } from '../../services/alerting/service.ts'
import { scoringConfigSchema } from '../../services/scoring/config.ts'
import { createScoring } from '../../services/scoring/service.ts'
import { eventually } from '../support/eventually.ts'
import { findTexts } from '../support/find-text.ts'
import { describeWithKafka } from '../support/kafka/kafka-suite.ts'
import { createTestPlatform } from '../support/processes/platform.ts'
import { createRoutesClient } from '../support/routes-client.ts'
import { usageRecord } from '../support/scoring/scorer.ts'

const DAY_MS = 86_400_000
const USER = 'canary-person'

await describeWithKafka('a log that keeps what was erased', (brokers) => {
  it('read again from its beginning, by scoring and by alerting, brings nothing of it back', async () => {
    const busMetrics = createMetrics()
    const kafkaBus = createKafkaBus({
      brokers: brokers.split(','),
      clientId: 'pulso-test',
      topicPrefix: `${newId()}.`,
      logger: silentLogger,
      clock: systemClock,
      metrics: busMetrics,
    })
    let reading = newId()
    const consume: Bus['consume'] = (options) => kafkaBus.consume({ ...options, group: `${options.group}-${reading}` })
    const test = await createTestPlatform({ bus: kafkaBus })
    onTestFinished(test.stop)
    const { database } = test.platform

    /** Scoring and alerting as groups that have read nothing yet. */
    const start = async () => {
      const platform = { ...test.platform, bus: { ...kafkaBus, consume }, metrics: createMetrics() }
      const scoring = createScoring(platform, scoringConfigSchema.parse({}))
      const alerting = createAlerting(platform, alertingConfigSchema.parse({}))
      for (const service of [scoring, alerting]) {
        await test.prepare(service)
        await service.start()
      }
      const api = await createRoutesClient({ ...platform, metrics: createMetrics() }, scoring)
      return {
        api,
        stop: async () => {
          await api.close()
          await alerting.stop()
          await scoring.stop()
        },
      }
    }
    const isEvaluated = (accountId: string) =>
      eventually(
        `${accountId} is judged`,
        async () =>
          (await database.query('select from alerting.account where account_id = $1 and seen is not null', [accountId]))
            .length === 1,
        30_000,
      )

    /** Records that the service's present group has been done with. */
    const readBy = async (service: string): Promise<number> => {
      const metric = await busMetrics.getSingleMetric('pulso_bus_consumed_records_total')!.get()
      const values = metric.values.filter(({ labels }) => labels.group === `${service}-${reading}`)
      return values.reduce((sum, { value }) => sum + value, 0)
    }

    const first = await start()
    await kafkaBus.publish('usage.events', [
      ...Array.from({ length: 20 }, (_, day) => usageRecord('canary-account', { agoMs: day * DAY_MS })),
      usageRecord('canary-account', { type: 'NPS Responded', properties: { score: 1 } }),
      usageRecord('bolt', { type: 'identify', userId: USER, properties: { mail: `${USER}@example.com` } }),
      usageRecord('bolt', { userId: USER }),
      usageRecord('bolt', { userId: 'u-1' }),
    ])
    await isEvaluated('canary-account')
    await isEvaluated('bolt')
    expect((await first.api.send('DELETE', '/v1/accounts/canary-account')).status).toBe(204)
    expect((await first.api.send('DELETE', `/v1/accounts/bolt/users/${USER}`)).status).toBe(204)
    expect(await findTexts(database, ['canary-account', USER])).toEqual([])
    await first.stop()
    const [usage, changes] = [await readBy('scoring'), await readBy('alerting')]
    expect(usage).toBeGreaterThanOrEqual(24)

    reading = newId()
    // As groups that have read nothing yet, in the database too.
    await database.query('update scoring.partition_head set next_offset = null')
    await database.query('delete from alerting.log_position')
    const second = await start()
    await kafkaBus.publish('usage.events', [usageRecord('marker')])
    await isEvaluated('marker')
    // Both logs from their beginning: as many records as the first time, and more.
    await eventually('scoring has read the whole log', async () => (await readBy('scoring')) > usage)
    await eventually('alerting has read the whole log', async () => (await readBy('alerting')) > changes)
    expect(await second.api.status('/v1/accounts/canary-account')).toBe(404)
    expect(await findTexts(database, ['canary-account', USER])).toEqual([])
    await second.stop()
  })
})
