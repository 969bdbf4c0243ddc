import type { AccountView } from '../journey/account-view.ts'
import { sumOfDays } from '../state/day-counts.ts'
import { factor } from './factor.ts'
import { leavesIn } from './factor-input.ts'

/**
 * (c + offset) / (b + offset). b: core events of the base days. c: core events of the recent days,
 * scaled to the length of the base. No data while b is below `minimumBase`.
 */
export const trend = factor({
  needs: ['curve'],
  settings: ['recentDays', 'baseDays', 'offset', 'minimumBase'],
  value: (view, { settings: { recentDays, baseDays, offset, minimumBase } }) => {
    const { coreEvents } = view.state
    const recentFrom = view.day - recentDays + 1
    const base = sumOfDays(coreEvents, recentFrom - baseDays, recentFrom - 1)
    if (base < minimumBase) return null
    const recent = (sumOfDays(coreEvents, recentFrom, view.day) * baseDays) / recentDays
    return (recent + offset) / (base + offset)
  },
  changesIn: (view, { settings }) => movesIn(view, settings),
  dataIn: (view, { settings }) => movesIn(view, settings),
})

/** A recent day first moves into the base, then leaves it. */
const movesIn = (
  view: AccountView,
  { recentDays, baseDays }: { readonly recentDays: number; readonly baseDays: number },
) =>
  Math.min(
    leavesIn(view, view.state.coreEvents.days, recentDays),
    leavesIn(view, view.state.coreEvents.days, recentDays + baseDays),
  )
