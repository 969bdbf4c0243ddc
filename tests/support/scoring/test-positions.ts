import type { Database } from '#libs/postgres/database.ts'
import { createEventPositions } from '../../../services/scoring/flush/event-positions.ts'

/** Positions of a scorer without a cache, a relay or an epoch to begin anew. */
export const createTestPositions = (database: Database) =>
  createEventPositions({
    database,
    cache: { clear: () => {} },
    relay: { forget: () => {} },
    epoch: { raise: async () => {} },
  })
