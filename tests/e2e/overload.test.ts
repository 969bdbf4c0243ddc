import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { Agent } from 'undici'
import { expect, it, onTestFinished } from 'vitest'
import { newApiKey } from '#libs/access/keys/api-key.ts'
import { createEventMaker } from '../bench/make-events.ts'
import { peakMbOf } from '../bench/process-use.ts'
import { openTestBus } from '../support/bus/test-bus.ts'
import { eventually } from '../support/eventually.ts'
import { describeWithKafka, privateKafka } from '../support/kafka/kafka-suite.ts'
import { createTestDatabase } from '../support/postgres/postgres.ts'
import { spawnProcess } from '../support/processes/spawn-process.ts'

/** Measured: 245 with the flags, 330 without them. */
const CEILING_MB = 300
const SENDERS = 250
const EVENTS_PER_REQUEST = 500

type Request = { readonly body: Buffer; readonly ids: readonly string[] }
const createRequestMaker = (): (() => Request) => {
  const next = createEventMaker('overload')
  return () => {
    const events = Array.from({ length: EVENTS_PER_REQUEST }, () => next(Date.now()))
    return { body: Buffer.from(JSON.stringify({ events })), ids: events.map(({ id }) => id) }
  }
}

await describeWithKafka('a flooded door whose broker hangs', () => {
  it('answers 202 or 503 with Retry-After, stays under its memory ceiling, takes events again at once and has lost none', async () => {
    const kafka = await privateKafka()
    onTestFinished(kafka.stop)
    const { connectionString, drop } = await createTestDatabase()
    onTestFinished(drop)
    const { key } = newApiKey('test')
    const topicPrefix = `overload-${randomBytes(4).toString('hex')}-`
    const environment = {
      PORT: '0',
      DATABASE_URL: connectionString,
      KAFKA_BROKERS: kafka.brokers,
      KAFKA_TOPIC_PREFIX: topicPrefix,
      PULSO_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
      PULSO_BOOTSTRAP_KEY: key,
    }
    const door = spawnProcess('services/ingest/main.ts', environment)
    onTestFinished(async () => {
      door.child.kill('SIGKILL')
      await door.ended
    })
    const [, origin] = await door.printed(/"address":"([^"]+)"[^\n]*"msg":"ready"/)
    const agent = new Agent({ connections: SENDERS + 1, headersTimeout: 60_000 })
    onTestFinished(() => agent.destroy())

    const make = createRequestMaker()
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    const statuses = new Map<number, number>()
    const withoutRetryAfter: number[] = []
    const accepted = new Set<string>()
    const post = async ({ body, ids }: Request): Promise<number> => {
      const answer = await agent.request({ origin: origin!, path: '/v1/events', method: 'POST', headers, body })
      await answer.body.dump()
      const { statusCode } = answer
      statuses.set(statusCode, (statuses.get(statusCode) ?? 0) + 1)
      if (statusCode === 202) for (const id of ids) accepted.add(id)
      else if (answer.headers['retry-after'] === undefined) withoutRetryAfter.push(statusCode)
      return statusCode
    }

    expect(await post(make())).toBe(202)
    const thaw = await kafka.freeze()
    let flooding = true
    // A request is sent until it is taken, as clients do.
    const senders = Array.from({ length: SENDERS }, async () => {
      const request = make()
      while (flooding && (await post(request)) !== 202) await pause(200)
    })
    await eventually('the door refuses some', () => (statuses.get(503) ?? 0) > 0, 30_000)
    expect((await fetch(`${origin}/livez`)).status).toBe(200)
    await pause(3_000)
    await thaw()
    const thawedAt = performance.now()
    await eventually('it takes events again', async () => (await post(make())) === 202, 30_000)
    const recoveredMs = performance.now() - thawedAt
    await pause(2_000)
    flooding = false
    await Promise.all(senders)

    expect([...statuses.keys()].sort()).toEqual([202, 503])
    expect(withoutRetryAfter).toEqual([])
    expect(recoveredMs).toBeLessThan(30_000)
    expect(peakMbOf(door.child.pid)).toBeLessThan(CEILING_MB)

    const { bus, close } = await openTestBus({ kind: 'kafka', brokers: kafka.brokers, topicPrefix })
    onTestFinished(close)
    const missing = new Set(accepted)
    const { stop } = await bus.consume({
      group: 'overload-check',
      topic: 'usage.events',
      handle: async ({ records }) => {
        for (const { value } of records) missing.delete(JSON.parse(value.toString('utf8')).id)
      },
    })
    await eventually('every accepted event is in the log', () => missing.size === 0, 60_000)
    await stop()
  }, 240_000)
})
