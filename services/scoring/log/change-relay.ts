import type { Bus, BusRecord } from '#libs/bus/bus.ts'
import { RECORD_HEADERS } from '#libs/contracts/record-version.ts'
import { accountKey } from '#libs/contracts/topics.ts'
import type { Database } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import { repeat } from '#libs/runtime/repeat.ts'
import { loadPosition, markRelayed, unrelayedPartitions } from './relay-store.ts'

type Offered = {
  readonly partition: number
  readonly position: number
  /** The last relayed position, by the database when the flush was written. */
  readonly relayed: number
  readonly records: readonly BusRecord[]
}

/**
 * Publishes changes in the order of their flushes: a reader drops a change that comes too late.
 * Changes that a crash, an unavailable broker or another process left behind are read from the log.
 * The relayed position is marked rarely, since a mark holds up the next flush: a crash before the
 * mark publishes again.
 */
export type ChangeRelay = {
  /** Resolves when the flush offered before is published: flushes never run far ahead. */
  readonly offer: (offered: Offered) => Promise<void>
  /** The partition's flushes are numbered anew: the database has gone back. */
  readonly forget: (partition: number) => void
  readonly start: () => void
  readonly stop: () => Promise<void>
}

type PartitionRelay = {
  relayed: number
  marked: number
  chain: Promise<void>
  waiting: number
  seenByLastSweep: number
}

const MARK_MS = 500
/** Marks between two sweeps: long enough for another process to mark what it has relayed. */
const MARKS_PER_SWEEP = 2

export const createChangeRelay = (deps: {
  readonly database: Database
  readonly bus: Bus
  readonly clock: Clock
  readonly logger: Logger
}): ChangeRelay => {
  const { database, bus, clock, logger } = deps
  const relays = new Map<number, PartitionRelay>()
  const stopping = new AbortController()
  let marks = 0

  const relayOf = (partition: number, relayed: number): PartitionRelay => {
    let relay = relays.get(partition)
    if (relay === undefined) {
      relay = { relayed, marked: relayed, chain: Promise.resolve(), waiting: 0, seenByLastSweep: -1 }
      relays.set(partition, relay)
    }
    // Another process may have relayed more in the meantime.
    relay.relayed = Math.max(relay.relayed, relayed)
    return relay
  }

  const publish = async (relay: PartitionRelay, position: number, records: readonly BusRecord[]): Promise<void> => {
    failpoint('scoring.relay.before')
    if (records.length > 0) await bus.publish('account.health', records)
    failpoint('scoring.relay.published')
    relay.relayed = position
  }

  const catchUp = async (partition: number, relay: PartitionRelay, upTo: number): Promise<void> => {
    while (relay.relayed < upTo && !stopping.signal.aborted) {
      const position = relay.relayed + 1
      const rows = await loadPosition(database, partition, position)
      const records = rows.map((row) => ({
        key: accountKey(row.tenantId, row.accountId),
        headers: RECORD_HEADERS,
        value: row.change,
      }))
      await publish(relay, position, records)
    }
  }

  const enqueue = (relay: PartitionRelay, work: () => Promise<void>): Promise<void> => {
    relay.waiting++
    relay.chain = relay.chain
      .then(work)
      .catch((error) => logger.warn({ err: error }, 'changes not relayed yet; they wait in the log'))
      .finally(() => relay.waiting--)
    return relay.chain
  }

  const mark = async (): Promise<void> => {
    for (const [partition, relay] of relays) {
      const { relayed } = relay
      if (relayed === relay.marked) continue
      await markRelayed(database, partition, relayed)
      relay.marked = relayed
      failpoint('scoring.relay.marked')
    }
  }

  const sweep = async (): Promise<void> => {
    for (const head of await unrelayedPartitions(database)) {
      const relay = relayOf(head.partition, head.relayed)
      const stuck = relay.waiting === 0 && relay.seenByLastSweep === head.relayed
      relay.seenByLastSweep = head.relayed
      if (!stuck) continue
      await enqueue(relay, () => catchUp(head.partition, relay, head.position))
    }
  }

  const failure = 'marking relayed changes or looking for changes left behind failed'
  const loop = repeat({ clock, logger, everyMs: MARK_MS, failure }, async () => {
    await mark()
    if (++marks % MARKS_PER_SWEEP === 0) await sweep()
    return undefined
  })

  return {
    offer: ({ partition, position, relayed, records }) => {
      const relay = relayOf(partition, relayed)
      const before = relay.chain
      enqueue(relay, async () => {
        if (relay.relayed >= position) return
        if (relay.relayed < position - 1) await catchUp(partition, relay, position)
        else await publish(relay, position, records)
      })
      return before
    },
    forget: (partition) => void relays.delete(partition),
    start: loop.start,
    stop: async () => {
      stopping.abort()
      await loop.stop()
      await Promise.all([...relays.values()].map((relay) => relay.chain))
      await mark().catch((error) => logger.warn({ err: error }, failure))
    },
  }
}
