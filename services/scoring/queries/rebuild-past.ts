import type { AccountKey } from '#libs/contracts/topics.ts'
import type { Database } from '#libs/postgres/database.ts'
import { readAccounts } from '../accounts/load-accounts.ts'
import { type PastDay, pastDays } from '../core/account/past-days.ts'
import { loadCountedEvents } from '../log/event-store.ts'
import type { LiveModels } from '../models/live-models.ts'
import { hasBackfills } from '../sources/backfill-store.ts'

/** Scores of the days before an account's first change, from backfilled events, by live models. */
export type RebuildPast = (key: AccountKey) => Promise<readonly PastDay[]>

export const createRebuildPast =
  ({ database, liveModels }: { readonly database: Database; readonly liveModels: LiveModels }): RebuildPast =>
  async (key) => {
    if (!(await hasBackfills(database, key.tenantId))) return []
    const [account] = await readAccounts(database, [key], liveModels, { withIds: false })
    if (account === undefined || account.firstChangeAt === null) return []
    return pastDays({
      account,
      events: await loadCountedEvents(database, key),
      zone: liveModels.zone,
      modelFor: (traits) => liveModels.modelFor(key.tenantId, traits),
      contextAt: (at) => liveModels.contextOf(account, at),
    })
  }
