import { type Clock, monotonicMs } from '#libs/runtime/clock.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import { newId } from '#libs/runtime/ids.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import { repeat } from '#libs/runtime/repeat.ts'
import type { ConsumeOptions, DeliveredRecord, Subscription } from '../bus.ts'
import { checkMembership } from '../check-partitions.ts'
import type { WaitingPartitions } from '../waiting-partitions.ts'
import type { GroupStore, Lease } from './group-store.ts'
import type { LogStore, StoredTopic } from './log-store.ts'
import { createReader, type Reader } from './reader.ts'

/** A member that misses its lease of 8 s (`bus.lease_length()`) loses its partitions. */
const HEARTBEAT_MS = 1_000
const DEFAULT_BATCH_BYTES = 8 * 1024 * 1024

export type ConsumerOptions = {
  readonly options: ConsumeOptions
  readonly topic: StoredTopic
  readonly groups: GroupStore
  readonly log: LogStore
  readonly deadLetter: (partition: number, record: DeliveredRecord, reason: string) => Promise<void>
  readonly waiting: WaitingPartitions
  readonly onRecords: (count: number) => void
  readonly onLag: (records: number) => void
  /** Unread records are gone from the log. */
  readonly onGap: () => void
  readonly clock: Clock
  readonly logger: Logger
}

export type Consumer = Subscription & {
  readonly onPublished: (partitions: readonly number[]) => void
  /** A member joined, left or released a partition. */
  readonly onGroupChanged: () => void
}

type Claimed = { readonly epoch: number; readonly reader: Reader; releasing: boolean }

/**
 * Partition p belongs to the sorted live member p modulo their number: all compute the same share.
 * A member finishes and releases partitions of others, and claims its own once they are free.
 */
export const startConsumer = async (deps: ConsumerOptions): Promise<Consumer> => {
  const { options, topic, groups, log, clock } = deps
  const me = { group: options.group, topicId: topic.id, topic: topic.name, member: newId() }
  const logger = deps.logger.child({ group: me.group, topic: me.topic })
  const claimed = new Map<number, Claimed>()
  let stopping = false
  let memberAt = monotonicMs()

  const leaseOf = ([partition, { epoch, reader }]: [number, Claimed]): Lease => ({
    partition,
    epoch,
    position: reader.position(),
  })

  const read = ({ partition, epoch, position }: Lease): void => {
    const reader = createReader({
      store: log,
      lease: { topicId: topic.id, group: me.group, member: me.member, epoch },
      position,
      topic: topic.name,
      partition,
      group: me.group,
      handle: options.handle,
      probe: options.probe,
      waiting: deps.waiting,
      inFlight: options.inFlight ?? 1,
      maxBatchBytes: options.maxBatchBytes ?? DEFAULT_BATCH_BYTES,
      releaseAfterHandling: options.releaseAfterHandling,
      deadLetter: (record, reason) => deps.deadLetter(partition, record, reason),
      onRecords: deps.onRecords,
      onGap: deps.onGap,
      clock,
      logger,
    })
    claimed.set(partition, { epoch, reader, releasing: false })
  }

  const release = async (partition: number, claim: Claimed): Promise<void> => {
    claim.releasing = true
    await claim.reader.stop()
    await groups.release(me, leaseOf([partition, claim]))
    if (claimed.get(partition) === claim) claimed.delete(partition)
  }

  const lose = (partition: number, { reader }: Claimed): void => {
    claimed.delete(partition)
    logger.warn({ partition }, 'partition lost to another member')
    void reader.stop()
  }

  const heartbeat = async (): Promise<void> => {
    const before = [...claimed]
    if (before.length > 0) failpoint('bus.position.before')
    const { claimed: kept, members } = await groups.heartbeat(me, before.map(leaseOf))
    if (before.length > 0) failpoint('bus.position.after')
    for (const [partition, claim] of before)
      if (!kept.has(partition) && claimed.get(partition) === claim && !claim.releasing) lose(partition, claim)
    const index = members.indexOf(me.member)
    const isMine = (partition: number) => index >= 0 && partition % members.length === index
    for (const [partition, claim] of claimed)
      if (!isMine(partition) && !claim.releasing)
        release(partition, claim).catch((error) => {
          logger.warn({ err: error, partition }, 'partition could not be released, its lease will end')
          claimed.delete(partition)
        })
    const missing = [...Array(topic.partitions).keys()].filter((number) => isMine(number) && !claimed.has(number))
    if (missing.length > 0 && !stopping) {
      const leases = await groups.claim(me, missing)
      failpoint('bus.lease.claimed')
      for (const lease of leases) read(lease)
    }
    // Without a partition when other members have them all, not when its own are not free.
    if (claimed.size > 0 || missing.length === 0) memberAt = monotonicMs()
    deps.onLag(await lag())
  }

  const lag = async (): Promise<number> => {
    const ends = await log.ends(topic.id)
    return [...claimed].reduce(
      (sum, [partition, { reader }]) => sum + (ends.get(partition) ?? 0) - reader.position(),
      0,
    )
  }

  await groups.addReaders(me)
  await heartbeat()
  const beating = repeat(
    { clock, logger, everyMs: HEARTBEAT_MS, mustEnd: true, failure: 'heartbeat failed, trying again' },
    async () => void (await heartbeat()),
  )
  beating.start()

  return {
    onPublished: (partitions) => {
      for (const partition of partitions) claimed.get(partition)?.reader.wake()
    },
    onGroupChanged: beating.wake,
    lag,
    check: () => checkMembership(me.group, memberAt),
    stop: async () => {
      stopping = true
      await beating.stop()
      const released = await Promise.allSettled([...claimed].map(([partition, claim]) => release(partition, claim)))
      const left = await Promise.allSettled([groups.leave(me)])
      for (const outcome of [...released, ...left])
        if (outcome.status === 'rejected')
          logger.warn({ err: outcome.reason }, 'group not left in order, the lease will end')
    },
  }
}
