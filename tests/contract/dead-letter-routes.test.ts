import { describe, expect, it, onTestFinished } from 'vitest'
import { createKafkaBus } from '#libs/bus/kafka/bus.ts'
import { systemClock } from '#libs/runtime/clock.ts'
import { newId } from '#libs/runtime/ids.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { scoringConfigSchema } from '../../services/scoring/config.ts'
import { createScoring } from '../../services/scoring/service.ts'
import { eventually } from '../support/eventually.ts'
import { describeWithKafka } from '../support/kafka/kafka-suite.ts'
import { createTestPlatform } from '../support/processes/platform.ts'
import { deadLetterSuite } from './dead-letter-routes.contract.ts'

describe('dead letters of the log in PostgreSQL', () => deadLetterSuite(() => undefined))

await describeWithKafka('dead letters of Kafka', (brokers) => {
  const createBus = () =>
    createKafkaBus({
      brokers: brokers.split(','),
      clientId: 'pulso-test',
      topicPrefix: `${newId()}.`,
      logger: silentLogger,
      clock: systemClock,
      metrics: createMetrics(),
    })
  deadLetterSuite(createBus)

  it('that a restored database misses are indexed again, also by a process that ran all the while', async () => {
    const bus = createBus()
    const { platform, prepare, stop } = await createTestPlatform({ bus })
    onTestFinished(stop)
    const { database } = platform
    const service = createScoring(platform, scoringConfigSchema.parse({}))
    await prepare(service)
    await service.start()
    onTestFinished(service.stop)
    const deadLetter = (name: string) =>
      bus.publish('usage.events.dead', [{ key: 'default:acme', value: Buffer.from(name), headers: {} }])
    const indexed = async (): Promise<string> => {
      const rows = await database.query<{ value: Buffer }>('select distinct value from scoring.dead_letter order by 1')
      return rows.map(({ value }) => value.toString()).join()
    }
    await deadLetter('a')
    await eventually('it is indexed', async () => (await indexed()) === 'a', 30_000)
    await database.query('update scoring.dead_letter_position set next_offset = 0')
    await database.query('delete from scoring.dead_letter')
    await deadLetter('b')
    await eventually('both are indexed', async () => (await indexed()).length === 3, 30_000)
    expect(await indexed()).toBe('a,b')
  })
})
