import { describe } from 'vitest'
import { createKafkaBus } from '#libs/bus/kafka/bus.ts'
import { systemClock } from '#libs/runtime/clock.ts'
import { newId } from '#libs/runtime/ids.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { describeWithKafka } from '../support/kafka/kafka-suite.ts'
import { deadLetterSuite } from './dead-letter-routes.contract.ts'

describe('dead letters of the log in PostgreSQL', () => deadLetterSuite(() => undefined))

await describeWithKafka('dead letters of Kafka', (brokers) =>
  deadLetterSuite(() =>
    createKafkaBus({
      brokers: brokers.split(','),
      clientId: 'pulso-test',
      topicPrefix: `${newId()}.`,
      logger: silentLogger,
      clock: systemClock,
      metrics: createMetrics(),
    }),
  ),
)
