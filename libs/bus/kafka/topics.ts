import kafkajs, { type Admin, type Kafka } from 'kafkajs'
import { type Clock, sleep } from '#libs/runtime/clock.ts'
import { UnavailableError } from '#libs/runtime/errors.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import { toBusError } from './errors.ts'
import { copiesOf, settingsOf, type TopicDurability, weaknessesOf } from './topic-settings.ts'

const { ConfigResourceTypes } = kafkajs

export type WantedTopic = {
  readonly topic: string
  readonly partitions: number
  readonly maxRecordBytes: number
  readonly isDead: boolean
}

export type KafkaTopics = {
  readonly check: () => Promise<void>
  /** Creates missing topics, and says which of the others keep less than is wanted. */
  readonly ensure: (wanted: readonly WantedTopic[], durability: TopicDurability) => Promise<void>
  readonly partitionsOf: (topic: string) => Promise<number>
  /** First and next offset of each partition, and the group's committed one (-1: none). */
  readonly offsetsOf: (
    topic: string,
    group: string,
  ) => Promise<ReadonlyMap<number, { readonly low: number; readonly end: number; readonly committed: number }>>
  readonly stop: () => Promise<void>
}

const CHECK_TIMEOUT_MS = 5_000
const LEADER_TIMEOUT_MS = 30_000

type Deps = { readonly kafka: Kafka; readonly clock: Clock; readonly logger: Logger }

/** Topics and offsets, by one admin connection, opened on first use and again after a failure. */
export const createKafkaTopics = ({ kafka, clock, logger }: Deps): KafkaTopics => {
  let connected: Promise<Admin> | undefined

  const connect = async (): Promise<Admin> => {
    const admin = kafka.admin()
    await admin.connect()
    return admin
  }

  const dropConnection = async (): Promise<void> => {
    const dropped = connected
    connected = undefined
    await dropped?.then((admin) => admin.disconnect()).catch(() => undefined)
  }

  const withAdmin = async <T>(doing: string, work: (admin: Admin) => Promise<T>): Promise<T> => {
    connected ??= connect()
    try {
      return await work(await connected)
    } catch (error) {
      await dropConnection()
      throw toBusError(error, doing)
    }
  }

  const partitionsByTopic = async (topics: readonly string[]): Promise<ReadonlyMap<string, number>> => {
    const known = await withAdmin('reading the topics', (admin) => admin.listTopics())
    const present = topics.filter((topic) => known.includes(topic))
    if (present.length === 0) return new Map()
    const metadata = await withAdmin('reading the topics', (admin) => admin.fetchTopicMetadata({ topics: present }))
    // A partition without a leader cannot be used yet.
    return new Map(
      metadata.topics.map(({ name, partitions }) => [name, partitions.filter(({ leader }) => leader >= 0).length]),
    )
  }

  const create = async (
    missing: readonly WantedTopic[],
    copies: number,
    durability: TopicDurability,
  ): Promise<void> => {
    const topics = missing.map(({ topic, partitions, maxRecordBytes, isDead }) => ({
      topic,
      numPartitions: partitions,
      replicationFactor: copies,
      configEntries: Object.entries({
        'max.message.bytes': String(maxRecordBytes),
        ...settingsOf(durability, copies, isDead),
      }).map(([name, value]) => ({ name, value })),
    }))
    // Answers false if another process created one meanwhile, which is as good.
    await withAdmin('creating topics', (admin) => admin.createTopics({ topics, waitForLeaders: false }))
  }

  /** Topics of former versions, and those that people made, may keep less. */
  const inspect = async (present: readonly WantedTopic[], copies: number, durability: TopicDurability) => {
    if (present.length === 0) return
    const resources = present.map(({ topic, isDead }) => ({
      type: ConfigResourceTypes.TOPIC,
      name: topic,
      configNames: Object.keys(settingsOf(durability, copies, isDead)),
    }))
    const described = await withAdmin('reading the settings of topics', (admin) =>
      admin.describeConfigs({ resources, includeSynonyms: false }),
    )
    for (const { resourceName, configEntries } of described.resources) {
      const { isDead } = present.find(({ topic }) => topic === resourceName)!
      const is = Object.fromEntries(configEntries.map(({ configName, configValue }) => [configName, configValue]))
      for (const weakness of weaknessesOf(is, settingsOf(durability, copies, isDead))) {
        if (durability.strict)
          throw new Error(
            `topic ${resourceName}: ${weakness.setting} is ${weakness.is}, wanted is ${weakness.wanted} (PULSO_STRICT_TOPICS)`,
          )
        logger.warn({ topic: resourceName, ...weakness }, 'topic keeps records less safely than is wanted')
      }
    }
  }

  return {
    check: async () => {
      const tooLate = sleep(clock, CHECK_TIMEOUT_MS).then(() => {
        throw new UnavailableError('Kafka is unavailable: no answer within 5 s')
      })
      await Promise.race([withAdmin('asking for the cluster', (admin) => admin.describeCluster()), tooLate])
    },
    ensure: async (wanted, durability) => {
      const present = await partitionsByTopic(wanted.map(({ topic }) => topic))
      const missing = wanted.filter(({ topic }) => !present.has(topic))
      const cluster = await withAdmin('reading the cluster', (admin) => admin.describeCluster())
      const copies = copiesOf(durability, cluster.brokers.length)
      if (missing.length > 0) await create(missing, copies, durability)
      await inspect(
        wanted.filter(({ topic }) => present.has(topic)),
        copies,
        durability,
      )
      const giveUpAt = clock.now() + LEADER_TIMEOUT_MS
      for (;;) {
        const now = await partitionsByTopic(wanted.map(({ topic }) => topic))
        const short = wanted.filter(({ topic, partitions }) => (now.get(topic) ?? 0) < partitions)
        const [first] = short.filter(({ topic }) => present.has(topic))
        if (first && now.get(first.topic) === present.get(first.topic))
          throw new Error(
            `topic ${first.topic} has ${now.get(first.topic)} partitions and needs ${first.partitions}: add partitions to it`,
          )
        if (short.length === 0) return
        if (clock.now() > giveUpAt) throw new UnavailableError(`Kafka is unavailable: no leader for ${short[0]!.topic}`)
        await sleep(clock, 50)
      }
    },
    partitionsOf: async (topic) => {
      const partitions = (await partitionsByTopic([topic])).get(topic)
      if (partitions === undefined) throw new Error(`topic ${topic} does not exist`)
      return partitions
    },
    offsetsOf: (topic, group) =>
      withAdmin('reading offsets', async (admin) => {
        const [ends, groups] = await Promise.all([
          admin.fetchTopicOffsets(topic),
          admin.fetchOffsets({ groupId: group, topics: [topic] }),
        ])
        const committed = new Map(groups[0]?.partitions.map(({ partition, offset }) => [partition, Number(offset)]))
        return new Map(
          ends.map(({ partition, low, high }) => [
            partition,
            { low: Number(low), end: Number(high), committed: committed.get(partition) ?? -1 },
          ]),
        )
      }),
    stop: dropConnection,
  }
}
