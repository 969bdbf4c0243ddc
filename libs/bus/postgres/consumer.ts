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
  readonly deadLetter: (partition: number, record: DeliveredRecord, reason: string) => Promise<void>
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

type Claimed = { readonly epoch: number; readonly reader: Reader; releasing: boolean }

/**
 * One member of a group. Every member computes the same share from the sorted list of live members: partition p belongs to the
 * member p modulo their number. It lets go of what is not its own, having finished it, and takes what is its own and free.
 */
export const startConsumer = async (deps: ConsumerOptions): Promise<Consumer> => {
  const { options, topic, groups, log, clock } = deps
  const me = { group: options.group, topicId: topic.id, topic: topic.name, member: newId() }
  const logger = deps.logger.child({ group: me.group, topic: me.topic })
  const claimed = new Map<number, Claimed>()
  const stopping = new AbortController()
  let again = new AbortController()

  const leaseOf = ([partition, { epoch, reader }]: [number, Claimed]): Lease => ({
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
      releaseAfterHandling: options.releaseAfterHandling,
      deadLetter: (record, reason) => deps.deadLetter(partition, record, reason),
      onRecords: deps.onRecords,
      onGap: deps.onGap,
      clock,
      logger,
    })
    claimed.set(partition, { epoch, reader, releasing: false })
  }

  const letGo = async (partition: number, holding: Claimed): Promise<void> => {
    holding.releasing = true
    await holding.reader.stop()
    await groups.release(me, leaseOf([partition, holding]))
    if (claimed.get(partition) === holding) claimed.delete(partition)
  }

  const lose = (partition: number, holding: Claimed): void => {
    claimed.delete(partition)
    logger.warn({ partition }, 'partition lost to another member')
    void holding.reader.stop()
  }

  const heartbeat = async (): Promise<void> => {
    const before = [...claimed]
    if (before.length > 0) failpoint('bus.position.before')
    const { claimed: kept, members } = await groups.heartbeat(me, before.map(leaseOf))
    if (before.length > 0) failpoint('bus.position.after')
    for (const [partition, holding] of before)
      if (!kept.has(partition) && claimed.get(partition) === holding && !holding.releasing) lose(partition, holding)
    const index = members.indexOf(me.member)
    const isMine = (partition: number) => index >= 0 && partition % members.length === index
    for (const [partition, holding] of claimed)
      if (!isMine(partition) && !holding.releasing)
        letGo(partition, holding).catch((error) => {
          logger.warn({ err: error, partition }, 'partition could not be released, its lease will end')
          claimed.delete(partition)
        })
    const wanted = Array.from({ length: topic.partitions }, (_, number) => number).filter(
      (partition) => isMine(partition) && !claimed.has(partition),
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
    return [...claimed].reduce(
      (sum, [partition, { reader }]) => sum + (ends.get(partition) ?? 0) - reader.position(),
      0,
    )
  }

  const run = async (): Promise<void> => {
    for (;;) {
      await sleep(clock, HEARTBEAT_MS, again.signal)
      if (stopping.signal.aborted) return
      again = new AbortController()
      await heartbeat().catch((error) => logger.warn({ err: error }, 'heartbeat failed, trying again'))
    }
  }

  await groups.addReaders(me)
  await heartbeat()
  const running = run()

  return {
    onPublished: (partitions) => {
      for (const partition of partitions) claimed.get(partition)?.reader.wake()
    },
    onGroupChanged: () => again.abort(),
    lag,
    stop: async () => {
      stopping.abort()
      again.abort()
      await running
      const released = await Promise.allSettled([...claimed].map(([partition, holding]) => letGo(partition, holding)))
      const left = await Promise.allSettled([groups.leave(me)])
      for (const outcome of [...released, ...left])
        if (outcome.status === 'rejected')
          logger.warn({ err: outcome.reason }, 'group not left in order, the lease will end')
    },
  }
}
