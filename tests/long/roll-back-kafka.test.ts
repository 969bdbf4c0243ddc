import { randomBytes } from 'node:crypto'
import { expect, it, onTestFinished } from 'vitest'
import { newApiKey } from '#libs/access/keys/api-key.ts'
import { deadTopicOf, TOPICS } from '#libs/contracts/topics.ts'
import { type Api, bodyOf } from '../former-data/api.ts'
import { alertIdsOf, eventsOf, idsOf, ROOT, unpackFormerCode, withPulso } from '../former-data/former-code.ts'
import { createClient } from '../former-data/kafka-records.ts'
import { countEvents, countedIds, sendEvents, waitForEvents } from '../former-data/operate.ts'
import type { SampleEvent } from '../former-data/portfolio.ts'
import { eventually } from '../support/eventually.ts'
import { describeWithKafka, privateKafka } from '../support/kafka/kafka-suite.ts'
import { createTestDatabase } from '../support/postgres/postgres.ts'

const TOPIC_NAMES = Object.keys(TOPICS)

/** Records of each topic, and how many of its topic's each group of the prefix has not read. */
const readTopics = async (brokers: string, prefix: string) => {
  const admin = createClient(brokers).admin()
  await admin.connect()
  const counts = { records: new Map<string, number>(), unread: new Map<string, number>() }
  const sumOf = (offsets: readonly number[]): number => offsets.reduce((sum, offset) => sum + offset, 0)
  for (const topic of TOPIC_NAMES.flatMap((name) => [name, deadTopicOf(name)])) {
    const partitions = await admin.fetchTopicOffsets(prefix + topic)
    counts.records.set(topic, sumOf(partitions.map(({ high }) => Number(high))))
  }
  const { groups } = await admin.listGroups()
  for (const { groupId } of groups.filter((group) => group.groupId.startsWith(prefix)))
    for (const { topic, partitions } of await admin.fetchOffsets({ groupId })) {
      const read = sumOf(partitions.map(({ offset }) => Math.max(0, Number(offset))))
      counts.unread.set(groupId.slice(prefix.length), counts.records.get(topic.slice(prefix.length))! - read)
    }
  await admin.disconnect()
  return counts
}

const openedAlert = async (api: Api, accountId: string): Promise<string> => {
  await eventually(`${accountId} has an alert`, async () => (await alertIdsOf(api, accountId)).length > 0, 30_000)
  const [id] = await alertIdsOf(api, accountId)
  return id!
}

const receivedAtOf = async (api: Api, accountId: string): Promise<ReadonlyMap<string, number>> => {
  type Page = { readonly items: readonly { readonly id: string; readonly receivedAt: string }[] }
  const { items } = await bodyOf<Page>(api.get(`/v1/accounts/${accountId}/events?limit=500`))
  return new Map(items.map(({ id, receivedAt }) => [id, Date.parse(receivedAt)]))
}

/** A second version of the default model, which every account is evaluated by anew. */
const publishModel = async (api: Api): Promise<void> => {
  const { version: _, ...document } = await bodyOf<Record<string, unknown>>(api.get('/v1/models/default/versions/1'))
  const { version } = await bodyOf<{ version: number }>(api.send('POST', '/v1/models', document))
  await bodyOf(api.send('POST', `/v1/models/default/versions/${version}/publish`))
}

/** The sum of a counter over its labels. */
const counterOf = async (api: Api, name: string): Promise<number> => {
  const text = await bodyOf<string>(api.get('/metrics'))
  const samples = text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'gm'))
  return [...samples].reduce((sum, [, value]) => sum + Number(value), 0)
}

/**
 * This version, the version before and this one again, on one database and the same topics. Each
 * leaves events to the next one. Answers how often the last one found its database behind.
 */
const rollBackAndForth = async (brokers: string, prefix: string): Promise<{ readonly rewinds: number }> => {
  const former = await unpackFormerCode()
  const { connectionString, drop } = await createTestDatabase()
  onTestFinished(drop)
  const { key } = newApiKey('test')
  const environment = {
    DATABASE_URL: connectionString,
    KAFKA_BROKERS: brokers,
    KAFKA_TOPIC_PREFIX: prefix,
    PULSO_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64'),
    PULSO_BOOTSTRAP_KEY: key,
  }
  const run = (checkout: string, work: (api: Api) => Promise<void>, file?: string): Promise<void> =>
    withPulso({ checkout, environment, key: async () => key, ...(file ? { file } : {}) }, work)
  /** By the door alone: who scores is the release that starts next. */
  const leave = (checkout: string, events: readonly SampleEvent[]): Promise<void> =>
    run(checkout, (api) => sendEvents(api, events), 'services/ingest/main.ts')

  let nowAlert = ''
  await run(ROOT, async (api) => {
    await countEvents(api, eventsOf('acme', 'now', 'Feature Used'))
    await countEvents(api, eventsOf('initech', 'failed', 'Payment Failed'))
    nowAlert = await openedAlert(api, 'initech')
  })
  const nowLeft = eventsOf('acme', 'now-left', 'Feature Used')
  await leave(ROOT, nowLeft)

  let formerAlert = ''
  await run(former, async (api) => {
    await waitForEvents(api, nowLeft)
    await publishModel(api)
    await countEvents(api, eventsOf('acme', 'former', 'Feature Used'))
    await countEvents(api, eventsOf('globex', 'lost', 'Subscription Cancel Scheduled'))
    formerAlert = await openedAlert(api, 'globex')
    expect(await alertIdsOf(api, 'initech')).toEqual([nowAlert])
    const events = idsOf('now', 'failed', 'now-left', 'former', 'lost').length
    await eventually(
      'there are commands beside the events',
      async () => (await readTopics(brokers, prefix)).records.get('usage.events')! > events,
      30_000,
    )
  })
  const from = Date.now()
  const formerLeft = eventsOf('acme', 'former-left', 'Feature Used')
  await leave(former, formerLeft)
  const until = Date.now()

  let rewinds = 0
  await run(ROOT, async (api) => {
    await waitForEvents(api, formerLeft)
    await countEvents(api, eventsOf('acme', 'again', 'Feature Used'))
    await countEvents(api, eventsOf('umbrella', 'lost-again', 'Subscription Cancel Scheduled'))
    await openedAlert(api, 'umbrella')
    const all = idsOf('now', 'now-left', 'former', 'former-left', 'again')
    expect((await countedIds(api, 'acme')).toSorted()).toEqual(all)
    expect((await countedIds(api, 'globex')).toSorted()).toEqual(idsOf('lost'))
    expect((await countedIds(api, 'initech')).toSorted()).toEqual(idsOf('failed'))
    const receivedAt = await receivedAtOf(api, 'acme')
    for (const { id } of formerLeft) {
      expect(receivedAt.get(id), id).toBeGreaterThanOrEqual(from)
      expect(receivedAt.get(id), id).toBeLessThanOrEqual(until)
    }
    expect(await alertIdsOf(api, 'initech')).toEqual([nowAlert])
    expect(await alertIdsOf(api, 'globex')).toEqual([formerAlert])
    await eventually(
      'the commands of the version before are left out',
      async () => (await counterOf(api, 'pulso_scoring_records_left_out_total')) > 0,
    )
    rewinds = await counterOf(api, 'pulso_bus_rewinds_total')
  })
  const { records, unread } = await readTopics(brokers, prefix)
  for (const group of ['scoring', 'alerting', 'alerting-sources']) expect(unread.get(group), group).toBe(0)
  for (const name of TOPIC_NAMES) expect(records.get(deadTopicOf(name)), deadTopicOf(name)).toBe(0)
  return { rewinds }
}

await describeWithKafka('a roll-back with the log on Kafka, and the way forward', (brokers) => {
  it('count what each release left, once, and keep its alerts', async () => {
    const { rewinds } = await rollBackAndForth(brokers, `rolled-${randomBytes(4).toString('hex')}-`)
    expect(rewinds).toBe(0)
  }, 180_000)

  it('do so without a prefix, where both releases are of one group', async () => {
    const own = await privateKafka()
    onTestFinished(own.stop)
    const { rewinds } = await rollBackAndForth(own.brokers, '')
    // Older code stores no position, so that the database seems to be behind the group.
    expect(rewinds).toBeGreaterThan(0)
  }, 180_000)
})
