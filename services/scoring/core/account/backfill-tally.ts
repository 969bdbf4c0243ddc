import type { Band } from '#libs/contracts/account-health.ts'
import type { LogEntry } from './apply-events.ts'

export type BackfilledAccount = {
  readonly accountId: string
  readonly bandBefore: Band | null
  bandAfter: Band
}
export type Backfilled = {
  readonly tenantId: string
  readonly source: string
  events: number
  readonly accounts: Map<string, BackfilledAccount>
}

/** Counts backfilled events by source. An account that several sources fill counts for each. */
export const createBackfillTally = () => {
  const bySource = new Map<string, Backfilled>()
  return {
    add: (tenantId: string, accountId: string, entries: readonly LogEntry[]): void => {
      for (const { events, change, evaluation } of entries) {
        // Backfilled and live events never share an entry.
        if (events.length === 0 || !events[0]!.backfill) continue
        const bandBefore = change === null ? evaluation.band : (change.before?.band ?? null)
        for (const { source } of events) {
          const key = `${tenantId}:${source}`
          const filled = bySource.get(key) ?? { tenantId, source, events: 0, accounts: new Map() }
          bySource.set(key, filled)
          filled.events++
          const account = filled.accounts.get(accountId)
          if (account === undefined) {
            filled.accounts.set(accountId, { accountId, bandBefore, bandAfter: evaluation.band })
          } else account.bandAfter = evaluation.band
        }
      }
    },
    /** Sorted: flushes that write these rows in one order never deadlock. */
    take: (): readonly Backfilled[] =>
      [...bySource.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one),
  }
}
export type BackfillTally = ReturnType<typeof createBackfillTally>
