import { expect, it, onTestFinished } from 'vitest'
import { createKafkaBus } from '#libs/bus/kafka/bus.ts'
import { systemClock } from '#libs/runtime/clock.ts'
import { newId } from '#libs/runtime/ids.ts'
import { createLogger } from '#libs/runtime/logger.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { LOGIN } from '../support/kafka/kafka-jvm.ts'
import { describeWithKafka, privateKafka } from '../support/kafka/kafka-suite.ts'
import { allSeen, collect, numbered, TOPIC } from './bus-log.ts'

await describeWithKafka('a broker that asks for a login', () => {
  it('is written and read with the right one, refuses a wrong one, and neither is logged', async (context) => {
    const kafka = await privateKafka()
    onTestFinished(kafka.stop)
    if (!kafka.loginBrokers) return context.skip('only a broker on the JVM has such a listener')
    const lines: string[] = []
    const openBus = (password: string) => {
      const bus = createKafkaBus({
        brokers: [kafka.loginBrokers!],
        clientId: 'pulso-test',
        logger: createLogger('debug', { write: (line) => void lines.push(line) }),
        clock: systemClock,
        metrics: createMetrics(),
        topicPrefix: `${newId()}.`,
        publishTimeoutMs: 3_000,
        sasl: { mechanism: 'plain', username: LOGIN.username, password },
      })
      onTestFinished(bus.stop)
      return bus
    }
    await expect(openBus('wrong-canary').start()).rejects.toThrow()
    const bus = openBus(LOGIN.password)
    await bus.start()
    await bus.ensureTopics([TOPIC])
    const { seen } = await collect(bus, { group: newId() })
    await bus.publish(TOPIC, numbered(20, 5))
    await allSeen('records', seen, 20)
    expect(lines.join()).not.toContain('canary')
  })
})
