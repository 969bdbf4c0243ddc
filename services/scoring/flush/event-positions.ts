import type { Positions } from '#libs/bus/bus.ts'
import { createExpectedPositions } from '#libs/bus/expected-positions.ts'
import { raiseEpoch } from '#libs/bus/raise-epoch.ts'
import { sequenceFloor } from '#libs/contracts/sequence.ts'
import type { Database } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { RewoundError } from '#libs/runtime/errors.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import { repeat } from '#libs/runtime/repeat.ts'
import type { AccountCache } from '../accounts/account-cache.ts'
import type { ChangeRelay } from '../log/change-relay.ts'
import { readEpoch, readPositions, writePosition } from './position-store.ts'

export type EventPositions = Positions & {
  /** Offset that this process has written or read last; null: none. */
  readonly expected: (partition: number) => number | null
  /** A flush has stored this offset. */
  readonly reached: (partition: number, nextOffset: number) => void
}

const EPOCH_EVERY_MS = 1_000

type EpochDeps = { readonly database: Database; readonly clock: Clock; readonly logger: Logger }

/** The floor of sequences, which another process may raise. */
export const createEpoch = ({ database, clock, logger }: EpochDeps) => {
  let epoch = 0
  const reading = repeat(
    { clock, logger, everyMs: EPOCH_EVERY_MS, failure: 'epoch of sequences could not be read' },
    async () => {
      epoch = Math.max(epoch, await readEpoch(database))
      return undefined
    },
  )
  return {
    floor: (): number => sequenceFloor(epoch),
    raise: async (): Promise<void> => {
      epoch = await raiseEpoch(database, 'scoring.epoch', epoch)
    },
    start: async (): Promise<void> => {
      epoch = await readEpoch(database)
      reading.start()
    },
    stop: reading.stop,
  }
}
export type Epoch = ReturnType<typeof createEpoch>

type Deps = {
  readonly database: Database
  readonly cache: Pick<AccountCache, 'clear'>
  readonly relay: Pick<ChangeRelay, 'forget'>
  readonly epoch: Pick<Epoch, 'raise'>
}

/** How far `usage.events` is durable, as the flushes store it. */
export const createEventPositions = ({ database, cache, relay, epoch }: Deps): EventPositions => {
  const expected = createExpectedPositions(
    async () => new Map((await readPositions(database)).map(({ partition, next }) => [partition, next])),
  )
  return {
    expected: expected.of,
    reached: expected.reached,
    read: expected.read,
    isBehind: expected.isBehind,
    write: async (partition, nextOffset) => {
      const position = { partition, next: nextOffset, expected: expected.of(partition) }
      if (!(await writePosition(database, position)))
        throw new RewoundError(`partition ${partition}: the database is behind ${position.expected}`)
      expected.reached(partition, nextOffset)
    },
    onRewind: async ({ partition }) => {
      await epoch.raise()
      // What memory knows of accounts and of published changes is of the database before.
      cache.clear()
      relay.forget(partition)
    },
  }
}
