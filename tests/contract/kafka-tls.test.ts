import { expect, it, onTestFinished } from 'vitest'
import { createKafkaBus } from '#libs/bus/kafka/bus.ts'
import { systemClock } from '#libs/runtime/clock.ts'
import { newId } from '#libs/runtime/ids.ts'
import { createLogger } from '#libs/runtime/logger.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { LOGIN } from '../support/kafka/kafka-jvm.ts'
import { describeWithKafka, privateKafka } from '../support/kafka/kafka-suite.ts'
import { allSeen, collect, numbered, TOPIC } from './bus-log.ts'

await describeWithKafka('a broker with TLS of a private authority and logins by SCRAM', () => {
  it('is written and read by both mechanisms, and by nobody who lacks the authority or the password', async (context) => {
    const kafka = await privateKafka({ tls: true })
    onTestFinished(kafka.stop)
    if (!kafka.tls) return context.skip('only a broker on the JVM has such a listener')
    const { brokers, ca } = kafka.tls
    const lines: string[] = []
    const openBus = (
      mechanism: 'scram-sha-256' | 'scram-sha-512',
      { ssl = { ca }, password = LOGIN.password }: { ssl?: boolean | { ca: string }; password?: string } = {},
    ) => {
      const bus = createKafkaBus({
        brokers: [brokers],
        clientId: 'pulso-test',
        logger: createLogger('debug', { write: (line) => void lines.push(line) }),
        clock: systemClock,
        metrics: createMetrics(),
        topicPrefix: `${newId()}.`,
        publishTimeoutMs: 3_000,
        ssl,
        sasl: { mechanism, username: LOGIN.username, password },
      })
      onTestFinished(bus.stop)
      return bus
    }
    for (const mechanism of ['scram-sha-256', 'scram-sha-512'] as const) {
      const bus = openBus(mechanism)
      await bus.start()
      await bus.ensureTopics([TOPIC])
      const { seen } = await collect(bus, { group: newId() })
      await bus.publish(TOPIC, numbered(20, 5))
      await allSeen('records', seen, 20)
    }
    await expect(openBus('scram-sha-256', { password: 'wrong-canary' }).start()).rejects.toThrow()
    await expect(openBus('scram-sha-256', { ssl: true }).start()).rejects.toThrow()
    await expect(openBus('scram-sha-256', { ssl: false }).start()).rejects.toThrow()
    expect(lines.join()).not.toContain('canary')
  })
})
