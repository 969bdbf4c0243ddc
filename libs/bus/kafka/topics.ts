import type { Admin, Kafka } from 'kafkajs'
import { type Clock, sleep } from '#libs/runtime/clock.ts'
import { UnavailableError } from '#libs/runtime/errors.ts'
import { toBusError } from './errors.ts'

export type WantedTopic = { readonly topic: string; readonly partitions: number; readonly maxRecordBytes: number }

export type KafkaTopics = {
  readonly check: () => Promise<void>
  readonly ensure: (wanted: readonly WantedTopic[], replicationFactor: number | undefined) => Promise<void>
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
const REPLICAS = 3

/** Topics and offsets, by one admin connection, opened on first use and again after a failure. */
export const createKafkaTopics = ({ kafka, clock }: { kafka: Kafka; clock: Clock }): KafkaTopics => {
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

  const create = async (missing: readonly WantedTopic[], replicationFactor: number | undefined): Promise<void> => {
    const cluster = await withAdmin('reading the cluster', (admin) => admin.describeCluster())
    const topics = missing.map(({ topic, partitions, maxRecordBytes }) => ({
      topic,
      numPartitions: partitions,
      replicationFactor: replicationFactor ?? Math.min(REPLICAS, cluster.brokers.length),
      configEntries: [{ name: 'max.message.bytes', value: String(maxRecordBytes) }],
    }))
    // Answers false if another process created one meanwhile, which is as good.
    await withAdmin('creating topics', (admin) => admin.createTopics({ topics, waitForLeaders: false }))
  }

  return {
    check: async () => {
      const tooLate = sleep(clock, CHECK_TIMEOUT_MS).then(() => {
        throw new UnavailableError('Kafka is unavailable: no answer within 5 s')
      })
      await Promise.race([withAdmin('asking for the cluster', (admin) => admin.describeCluster()), tooLate])
    },
    ensure: async (wanted, replicationFactor) => {
      const present = await partitionsByTopic(wanted.map(({ topic }) => topic))
      const missing = wanted.filter(({ topic }) => !present.has(topic))
      if (missing.length > 0) await create(missing, replicationFactor)
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
