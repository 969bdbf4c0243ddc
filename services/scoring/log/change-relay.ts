import type { Bus, BusRecord } from '#libs/bus/bus.ts'
import { accountKey } from '#libs/contracts/topics.ts'
import type { Database } from '#libs/postgres/database.ts'
import { type Clock, sleep } from '#libs/runtime/clock.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import { loadPosition, markRelayed, unrelayedPartitions } from './relay-store.ts'

type Offered = {
  readonly partition: number
  readonly position: number
  /** What the database said was relayed when the flush was written. */
  readonly relayed: number
  readonly records: readonly BusRecord[]
}

/**
 * Takes the changes of committed flushes to `account.health`, in the order of their positions: a reader drops what is not newer than
 * an account's last sequence, so a later change must never overtake an earlier one. Usually straight from memory; what a crash, a
 * sick broker or another process left behind is read back from the log. What is relayed is marked twice a second, for a mark waits for the
 * partition's flush and holds up the next: a crash between publishing and marking publishes again.
 */
export type ChangeRelay = {
  /** Resolves when the flush offered before is through, so that whoever waits for it never runs far ahead of the relay. */
  readonly offer: (offered: Offered) => Promise<void>
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
/** Marks from one look for what was left behind to the next: what another process has relayed in between is marked. */
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
  let sweeping: Promise<void> = Promise.resolve()

  const relayOf = (partition: number, relayed: number): PartitionRelay => {
    let relay = relays.get(partition)
    if (relay === undefined) {
      relay = { relayed, marked: relayed, chain: Promise.resolve(), waiting: 0, seenByLastSweep: -1 }
      relays.set(partition, relay)
    }
    // Another process may have relayed on in the meantime.
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
      const records = rows.map((row) => ({ key: accountKey(row.tenant_id, row.account_id), value: row.change }))
      await publish(relay, position, records)
    }
  }

  const enqueue = (relay: PartitionRelay, work: () => Promise<void>): Promise<void> => {
    relay.waiting++
    relay.chain = relay.chain
      .then(work)
      .catch((error) => logger.warn({ err: error }, 'changes not relayed yet, they wait in the log'))
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

  const markAll = (): Promise<void> =>
    mark().catch((error) => logger.warn({ err: error }, 'relayed changes not marked yet'))

  const sweep = async (): Promise<void> => {
    for (const head of await unrelayedPartitions(database)) {
      const relay = relayOf(head.partition, head.relayed)
      const stuck = relay.waiting === 0 && relay.seenByLastSweep === head.relayed
      relay.seenByLastSweep = head.relayed
      if (!stuck) continue
      await enqueue(relay, () => catchUp(head.partition, relay, head.position))
    }
  }

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
    start: () => {
      sweeping = (async () => {
        for (let marks = 1; !stopping.signal.aborted; marks++) {
          await sleep(clock, MARK_MS, stopping.signal)
          if (stopping.signal.aborted) return
          await markAll()
          if (marks % MARKS_PER_SWEEP === 0)
            await sweep().catch((error) => logger.warn({ err: error }, 'looking for changes left behind failed'))
        }
      })()
    },
    stop: async () => {
      stopping.abort()
      await sweeping
      await Promise.all([...relays.values()].map((relay) => relay.chain))
      await markAll()
    },
  }
}
