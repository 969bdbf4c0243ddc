import type { AccountKey } from '#libs/contracts/topics.ts'
import type { WorkSlots } from '#libs/http/limits/work-slots.ts'
import type { Database } from '#libs/postgres/database.ts'
import { createTimeSlices } from '#libs/runtime/time-slices.ts'
import { readAccounts } from '../accounts/load-accounts.ts'
import { createPastDays, type PastDay } from '../core/account/past-days.ts'
import { chooseModel } from '../core/models/choose-model.ts'
import { readEventsInOrder } from '../log/events-in-order.ts'
import type { LiveModels } from '../models/live-models.ts'
import { hasBackfills } from '../sources/backfill-store.ts'

/** Scores of the days before an account's first change, from backfilled events, by live models. */
export type RebuildPast = (key: AccountKey) => Promise<readonly PastDay[]>

export const createRebuildPast = (deps: {
  readonly database: Database
  readonly liveModels: LiveModels
  readonly foldSlots: WorkSlots
}): RebuildPast => {
  const { database, liveModels, foldSlots } = deps
  const { zone } = liveModels
  const rebuild: RebuildPast = async (key) => {
    const [account] = await readAccounts(database, [key], { liveModels })
    if (account === undefined || account.firstChangeAt === null) return []
    const lived = zone.dayOf(account.firstChangeAt)
    const live = liveModels.liveOf(key.tenantId)
    const past = createPastDays({
      account,
      zone,
      models: [live.default, ...live.segments],
      modelFor: (traits) => chooseModel(live, traits),
      contextAt: (at) => liveModels.contextOf(account, at),
    })
    const slices = createTimeSlices()
    /** The day under way; null before the first backfilled event. */
    let day: number | null = null
    const endDaysBefore = async (next: number): Promise<void> => {
      if (day === null) return
      for (; day < next; day++) {
        past.endDay(zone.startOfDay(day + 1) - 1)
        if (slices.isOver()) await slices.next()
      }
    }
    for await (const event of readEventsInOrder(database, key, zone.startOfDay(lived), slices)) {
      const happened = zone.dayOf(event.occurredAt)
      if (day !== null && happened > day) await endDaysBefore(happened)
      if (event.backfill) day ??= happened
      past.count(event)
      if (slices.isOver()) await slices.next()
    }
    await endDaysBefore(lived)
    return past.days()
  }
  return async (key) =>
    (await hasBackfills(database, key.tenantId)) ? foldSlots(key.tenantId, () => rebuild(key)) : []
}
