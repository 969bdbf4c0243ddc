import { type Clock, sleep } from '#libs/runtime/clock.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import { newId } from '#libs/runtime/ids.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import type { ConsumeOptions, DeliveredRecord, Subscription } from '../bus.ts'
import type { GroupStore, Lease } from './group-store.ts'
import type { LogStore, StoredTopic } from './log-store.ts'
import { createReader, type Reader } from './reader.ts'

/** Leases live 8 s: several of these may fail before one is lost. It is also how often positions are stored. */
const HEARTBEAT_MS = 1_000
const DEFAULT_BATCH_BYTES = 8 * 1024 * 1024

export type ConsumerOptions = {
  readonly options: ConsumeOptions
  readonly topic: StoredTopic
  readonly groups: GroupStore
  readonly log: LogStore
  readonly park: (partition: number, record: DeliveredRecord, reason: string) => Promise<void>
  readonly onRecords: (count: number) => void
  readonly onLag: (records: number) => void
  /** Records that were to be read are gone from the log. */
  readonly onGap: () => void
  readonly clock: Clock
  readonly logger: Logger
}

export type Consumer = Subscription & {
  readonly onPublished: (partitions: readonly number[]) => void
  /** Somebody joined, left or let go of a partition. */
  readonly onGroupChanged: () => void
}

type Held = { readonly epoch: number; readonly reader: Reader; releasing: boolean }

/**
 * One member of a group. Every member computes the same share from the sorted list of live members: partition p belongs to the
 * member p modulo their number. It lets go of what is not its own, having finished it, and takes what is its own and free.
 */
export const startConsumer = async (deps: ConsumerOptions): Promise<Consumer> => {
  const { options, topic, groups, log, clock } = deps
  const me = { group: options.group, topicId: topic.id, topic: topic.name, member: newId() }
  const logger = deps.logger.child({ group: me.group, topic: me.topic })
  const held = new Map<number, Held>()
  const stopping = new AbortController()
  let again = new AbortController()

  const leaseOf = ([partition, { epoch, reader }]: [number, Held]): Lease => ({
    partition,
    epoch,
    position: reader.position(),
  })

  const take = ({ partition, epoch, position }: Lease): void => {
    const reader = createReader({
      store: log,
      lease: { topicId: topic.id, group: me.group, member: me.member, epoch },
      position,
      topic: topic.name,
      partition,
      handle: options.handle,
      inFlight: options.inFlight ?? 1,
      maxBatchBytes: options.maxBatchBytes ?? DEFAULT_BATCH_BYTES,
      keepsNothing: options.keepsNothing,
      park: (record, reason) => deps.park(partition, record, reason),
      onRecords: deps.onRecords,
      onGap: deps.onGap,
      clock,
      logger,
    })
    held.set(partition, { epoch, reader, releasing: false })
  }

  const letGo = async (partition: number, holding: Held): Promise<void> => {
    holding.releasing = true
    await holding.reader.stop()
    await groups.release(me, leaseOf([partition, holding]))
    if (held.get(partition) === holding) held.delete(partition)
  }

  const lose = (partition: number, holding: Held): void => {
    held.delete(partition)
    logger.warn({ partition }, 'partition lost to another member')
    void holding.reader.stop()
  }

  const beat = async (): Promise<void> => {
    const before = [...held]
    if (before.length > 0) failpoint('bus.position.before')
    const { held: kept, members } = await groups.heartbeat(me, before.map(leaseOf))
    if (before.length > 0) failpoint('bus.position.after')
    for (const [partition, holding] of before)
      if (!kept.has(partition) && held.get(partition) === holding && !holding.releasing) lose(partition, holding)
    const index = members.indexOf(me.member)
    const isMine = (partition: number) => index >= 0 && partition % members.length === index
    for (const [partition, holding] of held)
      if (!isMine(partition) && !holding.releasing)
        letGo(partition, holding).catch((error) => {
          logger.warn({ err: error, partition }, 'partition could not be released, its lease will end')
          held.delete(partition)
        })
    const wanted = Array.from({ length: topic.partitions }, (_, number) => number).filter(
      (partition) => isMine(partition) && !held.has(partition),
    )
    if (wanted.length > 0 && !stopping.signal.aborted) {
      const leases = await groups.claim(me, wanted)
      failpoint('bus.lease.claimed')
      for (const lease of leases) take(lease)
    }
    deps.onLag(await lag())
  }

  const lag = async (): Promise<number> => {
    const ends = await log.ends(topic.id)
    return [...held].reduce((sum, [partition, { reader }]) => sum + (ends.get(partition) ?? 0) - reader.position(), 0)
  }

  const run = async (): Promise<void> => {
    for (;;) {
      await sleep(clock, HEARTBEAT_MS, again.signal)
      if (stopping.signal.aborted) return
      again = new AbortController()
      await beat().catch((error) => logger.warn({ err: error }, 'heartbeat failed, trying again'))
    }
  }

  await groups.addReaders(me)
  await beat()
  const running = run()

  return {
    onPublished: (partitions) => {
      for (const partition of partitions) held.get(partition)?.reader.wake()
    },
    onGroupChanged: () => again.abort(),
    lag,
    stop: async () => {
      stopping.abort()
      again.abort()
      await running
      const released = await Promise.allSettled([...held].map(([partition, holding]) => letGo(partition, holding)))
      const left = await Promise.allSettled([groups.leave(me)])
      for (const outcome of [...released, ...left])
        if (outcome.status === 'rejected')
          logger.warn({ err: outcome.reason }, 'group not left in order, the lease will end')
    },
  }
}
