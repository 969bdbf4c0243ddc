import { sumOfDays } from '../state/day-counts.ts'
import { type FactorDefinition, found, leavesIn, noData } from './factor-input.ts'
import { pointsAt } from './score-factor.ts'

/**
 * (c + offset) / (b + offset): c = core events of the recent days, scaled up to the length of the base, b = core events of the base
 * days before them. No data while the base is below `minimumBase`: 0 against 0 is no drop.
 */
export const trend: FactorDefinition = {
  name: 'usage.trend',
  group: 'usage',
  needs: ['curve'],
  settings: ['recentDays', 'baseDays', 'offset', 'minimumBase'],
  measure: (view, { curve, settings }) => {
    const { coreEvents } = view.state
    const { recentDays, baseDays, offset, minimumBase } = settings as Record<string, number> & {
      recentDays: number
      baseDays: number
      offset: number
      minimumBase: number
    }
    const recentFrom = view.day - recentDays + 1
    const base = sumOfDays(coreEvents, recentFrom - baseDays, recentFrom - 1)
    // A day of the recent part changes sides before it leaves.
    const changesIn = Math.min(
      leavesIn(view, coreEvents.days, recentDays),
      leavesIn(view, coreEvents.days, recentDays + baseDays),
    )
    if (base < minimumBase) return noData(changesIn)
    const recent = (sumOfDays(coreEvents, recentFrom, view.day) * baseDays) / recentDays
    const value = (recent + offset) / (base + offset)
    return found(value, pointsAt(curve!, value), changesIn)
  },
}
