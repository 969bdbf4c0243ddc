import { expect, it, onTestFinished } from 'vitest'
import { accountKey, deadTopicOf, type TopicName } from '#libs/contracts/topics.ts'
import { toInstant } from '#libs/runtime/clock.ts'
import { newId } from '#libs/runtime/ids.ts'
import { eventually } from '../support/eventually.ts'
import { describeWithKafka } from '../support/kafka/kafka-suite.ts'
import { startKafkaScorer } from '../support/scoring/kafka-scorer.ts'

const TOPIC = 'usage.events'
/**
 * A record that cannot be processed holds up its partition no longer than this, and is parked
 * within a minute.
 */
const HELD_UP_MS = 5_000

type Dead = { readonly key: string; readonly value: Buffer; readonly headers: Readonly<Record<string, string>> }

const event = (id: string, more: object = {}): string =>
  JSON.stringify({
    id,
    source: 'own',
    type: 'Feature Used',
    accountId: 'acme',
    occurredAt: toInstant(Date.now()),
    ...more,
  })

/**
 * What a producer other than ours may put on the topic, all under the key of one account, and why
 * it cannot be counted.
 */
const BAD: readonly (readonly [what: string, value: string | Buffer, reason: RegExp])[] = [
  ['no JSON', '{"id": "e-1"', /not JSON/],
  ['no UTF-8', Buffer.from(event('e-2', { userId: 'X' }).replace('"X"', '"\xff"'), 'latin1'), /UTF-8/],
  ['no object', '[1, 2]', /not a JSON object/],
  ['nothing at all', '', /not JSON/],
  ['no id', event('', {}), /^id: /],
  ['another account than its key', event('e-3', { accountId: 'other' }), /key/],
  ['another tenant than its key', event('e-4', { tenantId: 'other' }), /tenantId/],
  ['no instant', event('e-5', { occurredAt: 'yesterday' }), /^occurredAt: /],
  [
    'a number beyond a double',
    event('e-6', { properties: {} }).replace('"properties":{}', '"properties":{"n":1e400}'),
    /beyond a double/,
  ],
  ['too many bytes', event('e-7', { properties: { text: 'x'.repeat(65 * 1024) } }), /larger than/],
]

await describeWithKafka('records that others write on usage.events', (brokers) => {
  it('are parked with reason and original bytes when unreadable, and their neighbours are counted', async () => {
    const { api, bus, produce } = await startKafkaScorer(brokers)
    const key = accountKey('default', 'acme')
    const messages = BAD.flatMap(([, value], i) => [
      { key, value: event(`before-${i}`) },
      { key, value: Buffer.from(value), headers: { trace: `bad-${i}` } },
    ])
    const eventIds = async (): Promise<string[]> => {
      if ((await api.status('/v1/accounts/acme')) !== 200) return []
      const page = await api.get<{ items: { id: string }[] }>('/v1/accounts/acme/events?limit=500')
      return page.items.map(({ id }) => id).sort()
    }
    // The group has met and reads: from here on, a pause is the fault of the records.
    await produce([{ key, value: event('first') }])
    await eventually('the first event is counted', async () => (await eventIds()).length === 1, 30_000)

    await produce([...messages, { key, value: event('after') }])
    const sentAt = performance.now()

    const neighbours = ['first', 'after', ...BAD.map((_, i) => `before-${i}`)].sort()
    await eventually('the neighbours are counted', async () => (await eventIds()).length >= neighbours.length, 30_000)
    const countedMs = performance.now() - sentAt
    expect(await eventIds()).toEqual(neighbours)

    const dead = new Map<string, Dead>()
    const reader = await bus.consume({
      group: newId(),
      topic: deadTopicOf(TOPIC) as TopicName,
      handle: async ({ records }) => {
        for (const { key, value, headers } of records) dead.set(headers.trace ?? '', { key, value, headers })
      },
    })
    onTestFinished(reader.stop)
    await eventually('all unreadable records are parked', () => dead.size >= BAD.length, 30_000)
    for (const [i, [what, value, reason]] of BAD.entries()) {
      const letter = dead.get(`bad-${i}`)
      expect(letter?.headers['dead-reason'], what).toMatch(reason)
      expect(letter?.headers['dead-topic'], what).toContain(TOPIC)
      expect(letter?.key, what).toBe(key)
      expect(letter?.value.equals(Buffer.from(value)), what).toBe(true)
    }
    expect(countedMs).toBeLessThan(HELD_UP_MS)
  })
})
