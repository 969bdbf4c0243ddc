import type { Bus } from '#libs/bus/bus.ts'
import { raiseEpoch } from '#libs/bus/raise-epoch.ts'
import type { TopicName } from '#libs/contracts/topics.ts'
import type { Database, Sql } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { DAY_MS } from '#libs/runtime/durations.ts'
import { UnavailableError } from '#libs/runtime/errors.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import { repeat } from '#libs/runtime/repeat.ts'
import { readMarks } from './epoch-store.ts'
import { EPOCH, furthest, hasGoneBack, isBehindBroker, type Marks, positionMark } from './gone-back.ts'

export type AlertEpoch = {
  /** False until the database was compared with the log, once in a process. */
  readonly isKnown: () => boolean
  /**
   * The epoch that episodes of monitors begin in, for the caller's transaction. Raised there if the
   * database has lost what this process saw in it: no alert comes before the raise. Throws
   * `UnavailableError` until it is known.
   */
  readonly current: (tx: Sql) => Promise<number>
  readonly raise: () => Promise<void>
  readonly start: () => void
  readonly stop: () => Promise<void>
}

type Deps = {
  readonly database: Database
  readonly bus: Pick<Bus, 'committed'>
  readonly clock: Clock
  readonly logger: Logger
  /** Whose positions are stored. */
  readonly readers: readonly { readonly group: string; readonly topic: TopicName }[]
}

const RETRY_MS = 1_000

/** An epoch of alerting's own: alerts about no account have no number of a change to follow. */
export const createAlertEpoch = ({ database, bus, clock, logger, readers }: Deps): AlertEpoch => {
  let known: Marks = new Map()
  let isKnown = false

  const raiseIn = (sql: Sql): Promise<number> => raiseEpoch(sql, 'alerting.epoch', known.get(EPOCH) ?? 0)

  const raise = async (): Promise<void> => {
    await raiseIn(database)
  }

  /** All partitions: those of another replica may be behind, and not yet given to it. */
  const compare = async (): Promise<void> => {
    const committed = new Map<string, number>()
    for (const { group, topic } of readers)
      for (const [partition, offset] of await bus.committed(group, topic))
        committed.set(positionMark(topic, partition), offset)
    // After the broker was asked: the database may only have come further since.
    if (isBehindBroker(await readMarks(database), committed)) await raise()
    isKnown = true
  }
  const failure = 'positions could not be compared with the log yet: no alerts of sources and tenants'
  const comparing = repeat({ clock, logger, everyMs: DAY_MS, retryMs: RETRY_MS, failure }, async () => {
    if (!isKnown) await compare()
    return undefined
  })

  const current = async (tx: Sql): Promise<number> => {
    if (!isKnown) throw new UnavailableError('positions are not compared with the log yet')
    // Before the database is asked: another transaction may see more meanwhile.
    const before = known
    const now = await readMarks(tx)
    if (!hasGoneBack(before, now)) {
      known = furthest(known, now)
      return now.get(EPOCH)!
    }
    logger.warn({}, 'database is behind what was read from it: alerts of sources and tenants begin a new epoch')
    const epoch = await raiseIn(tx)
    known = new Map(now).set(EPOCH, epoch)
    return epoch
  }

  return { isKnown: () => isKnown, current, raise, start: comparing.start, stop: comparing.stop }
}
