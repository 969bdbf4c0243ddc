import type { Database } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { DAY_MS, MINUTE_MS } from '#libs/runtime/durations.ts'
import type { UpkeepTask } from '#libs/runtime/upkeep.ts'
import { WHOLE_EVERY_MS } from '../core/preview/fact-history.ts'
import { mergeFacts, removeOldFacts } from '../rules/fact-history-store.ts'
import { removeEndedSilences, removeResolvedAlerts } from './retention-store.ts'

const EVERY_MS = 10 * MINUTE_MS

type AlertUpkeep = {
  readonly database: Database
  readonly clock: Clock
  readonly previewDays: number
  readonly alertDays: number
}

/** Removes old alerts, silences and facts, and merges the facts of each past week into one row. */
export const alertUpkeep = ({ database, clock, previewDays, alertDays }: AlertUpkeep): readonly UpkeepTask[] => {
  const daysAgo = (days: number): number => clock.now() - days * DAY_MS
  return [
    {
      name: 'old alerts',
      everyMs: EVERY_MS,
      chunk: (limit) => removeResolvedAlerts(database, daysAgo(alertDays), limit),
    },
    {
      name: 'old silences',
      everyMs: EVERY_MS,
      chunk: (limit) => removeEndedSilences(database, daysAgo(alertDays), limit),
    },
    {
      name: 'facts of past weeks',
      everyMs: EVERY_MS,
      chunk: (limit) => mergeFacts(database, clock.now() - WHOLE_EVERY_MS - DAY_MS, limit),
    },
    {
      name: 'old facts',
      everyMs: EVERY_MS,
      // Reading begins at a whole row.
      chunk: (limit) => removeOldFacts(database, daysAgo(previewDays) - WHOLE_EVERY_MS, limit),
    },
  ]
}
