import type { Bus, Subscription } from '#libs/bus/bus.ts'
import type { Database } from '#libs/postgres/database.ts'
import { probeTables } from '#libs/postgres/probe-tables.ts'
import { FLUSHES_BUFFERED } from '../limits.ts'
import type { EventPositions } from './event-positions.ts'
import type { createBatchScorer } from './score-batch.ts'

/** What a flush writes to. */
const FLUSHED_TABLES = ['account', 'account_page', 'account_log', 'log_frame', 'partition_head'].map(
  (table) => `scoring.${table}`,
)

type Deps = {
  readonly bus: Bus
  readonly database: Database
  readonly handle: ReturnType<typeof createBatchScorer>
  readonly positions: EventPositions
  readonly inFlight: number
  readonly maxBatchBytes: number
}

/** From here on the process counts events. */
export const consumeEvents = ({ bus, database, inFlight, maxBatchBytes, ...given }: Deps): Promise<Subscription> =>
  bus.consume({
    ...given,
    group: 'scoring',
    topic: 'usage.events',
    probe: () => probeTables(database, FLUSHED_TABLES),
    inFlight,
    maxBatchBytes,
    releaseAfterHandling: true,
    maxBufferedBytes: FLUSHES_BUFFERED * inFlight * maxBatchBytes,
  })
