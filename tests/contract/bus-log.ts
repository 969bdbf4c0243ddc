import { onTestFinished } from 'vitest'
import type { Batch, Bus, BusRecord, ConsumeOptions } from '#libs/bus/bus.ts'
import { deadTopicOf, type TopicName } from '#libs/contracts/topics.ts'
import { type BusAddress, openTestBus } from '../support/bus/test-bus.ts'
import { eventually } from '../support/eventually.ts'
import { type Member, spawnMember } from '../support/processes/spawn-member.ts'

export const TOPIC: TopicName = 'usage.events'

/** What an adapter brings to the contract suite. */
export type BusHarness = {
  /** A new, empty log on the shared server. */
  readonly freshLog: () => Promise<BusAddress>
  /** Puts a topic with so many partitions there, before any bus does. */
  readonly createTopic: (address: BusAddress, topic: string, partitions: number) => Promise<void>
  /** A new, empty log on a server of its own, which can be stopped (SIGKILL) and started again. */
  readonly ownServer: () => Promise<{
    readonly address: BusAddress
    readonly stopServer: () => Promise<void>
    readonly startServer: () => Promise<void>
    readonly remove: () => Promise<void>
  }>
}

/** A started bus with its topics, closed at the end of the test. */
export const openBus = async (address: BusAddress): Promise<Bus> => {
  const { bus, close } = await openTestBus(address)
  onTestFinished(close)
  await bus.ensureTopics([TOPIC])
  return bus
}

export const startMember = (
  address: BusAddress,
  group: string,
  more: { mode?: 'hang'; maxBatchBytes?: number } = {},
): Member => {
  const member = spawnMember({ mode: 'handle', ...more, address, group })
  onTestFinished(member.kill)
  return member
}

export const record = (key: string, value: string | Buffer): BusRecord => ({ key, value: Buffer.from(value) })

/** `count` records, their values 0, 1, 2, ..., over so many keys. */
export const numbered = (count: number, keys: number, from = 0): BusRecord[] =>
  Array.from({ length: count }, (_, i) => record(`tenant:account-${i % keys}`, String(from + i)))

export type Seen = { readonly partition: number; readonly key: string; readonly value: string }

/** Consumes into a list: of what is `handle`d without an error, or of all. */
export const collect = async (
  bus: Bus,
  options: Partial<ConsumeOptions> & { readonly group: string },
  before: (batch: Batch) => Promise<void> | void = () => undefined,
) => {
  const seen: Seen[] = []
  const subscription = await bus.consume({
    topic: TOPIC,
    ...options,
    handle: async (batch) => {
      await before(batch)
      for (const { key, value } of batch.records)
        seen.push({ partition: batch.partition, key, value: value.toString() })
    },
  })
  return { seen, ...subscription }
}

export const distinct = (seen: readonly (Seen | string)[]): Set<string> =>
  new Set(seen.map((entry) => (typeof entry === 'string' ? entry : entry.value)))

export const allSeen = (what: string, seen: readonly Seen[], count: number, limitMs?: number): Promise<void> =>
  eventually(`${count} ${what}, now ${distinct(seen).size}`, () => distinct(seen).size >= count, limitMs)

/** The records on the dead-letter topic, as they come. */
export const readDead = async (bus: Bus) => {
  const dead: { key: string; value: Buffer; headers: Readonly<Record<string, string>> }[] = []
  await bus.consume({
    group: 'dead-reader',
    topic: deadTopicOf(TOPIC) as TopicName,
    handle: async ({ records }) => {
      for (const { key, value, headers } of records) dead.push({ key, value, headers })
    },
  })
  return dead
}
