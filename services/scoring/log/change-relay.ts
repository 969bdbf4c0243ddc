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

type Lane = { relayed: number; marked: number; chain: Promise<void>; waiting: number; seenByLastSweep: number }

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
  const lanes = new Map<number, Lane>()
  const stopping = new AbortController()
  let sweeping: Promise<void> = Promise.resolve()

  const laneOf = (partition: number, relayed: number): Lane => {
    let lane = lanes.get(partition)
    if (lane === undefined) {
      lane = { relayed, marked: relayed, chain: Promise.resolve(), waiting: 0, seenByLastSweep: -1 }
      lanes.set(partition, lane)
    }
    // Another process may have relayed on in the meantime.
    lane.relayed = Math.max(lane.relayed, relayed)
    return lane
  }

  const publish = async (lane: Lane, position: number, records: readonly BusRecord[]): Promise<void> => {
    failpoint('scoring.relay.before')
    if (records.length > 0) await bus.publish('account.health', records)
    failpoint('scoring.relay.published')
    lane.relayed = position
  }

  const catchUp = async (partition: number, lane: Lane, upTo: number): Promise<void> => {
    while (lane.relayed < upTo && !stopping.signal.aborted) {
      const position = lane.relayed + 1
      const rows = await loadPosition(database, partition, position)
      const records = rows.map((row) => ({ key: accountKey(row.tenant_id, row.account_id), value: row.change }))
      await publish(lane, position, records)
    }
  }

  const enqueue = (lane: Lane, work: () => Promise<void>): Promise<void> => {
    lane.waiting++
    lane.chain = lane.chain
      .then(work)
      .catch((error) => logger.warn({ err: error }, 'changes not relayed yet, they wait in the log'))
      .finally(() => lane.waiting--)
    return lane.chain
  }

  const mark = async (): Promise<void> => {
    for (const [partition, lane] of lanes) {
      const { relayed } = lane
      if (relayed === lane.marked) continue
      await markRelayed(database, partition, relayed)
      lane.marked = relayed
      failpoint('scoring.relay.marked')
    }
  }

  const markAll = (): Promise<void> =>
    mark().catch((error) => logger.warn({ err: error }, 'relayed changes not marked yet'))

  const sweep = async (): Promise<void> => {
    for (const head of await unrelayedPartitions(database)) {
      const lane = laneOf(head.partition, head.relayed)
      const stuck = lane.waiting === 0 && lane.seenByLastSweep === head.relayed
      lane.seenByLastSweep = head.relayed
      if (!stuck) continue
      await enqueue(lane, () => catchUp(head.partition, lane, head.position))
    }
  }

  return {
    offer: ({ partition, position, relayed, records }) => {
      const lane = laneOf(partition, relayed)
      const before = lane.chain
      enqueue(lane, async () => {
        if (lane.relayed >= position) return
        if (lane.relayed < position - 1) await catchUp(partition, lane, position)
        else await publish(lane, position, records)
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
      await Promise.all([...lanes.values()].map((lane) => lane.chain))
      await markAll()
    },
  }
}
