import type { GroupName, Model } from '#libs/contracts/health-model.ts'
import { HOUR_MS } from '#libs/runtime/durations.ts'

/** How far the inactive sources of each group have faded, and when to look again. */
export type SourceFreshness = { readonly of: (group: GroupName) => number; readonly nextAt: number }

const FRESH: SourceFreshness = { of: () => 1, nextAt: Number.POSITIVE_INFINITY }

/**
 * A source that was heard before, but not within its interval, fades its groups linearly to 0 over
 * one more interval. While it fades, its accounts are evaluated once an hour.
 */
export const sourceFreshness = (model: Model, lastSeenAt: ReadonlyMap<string, number>, at: number): SourceFreshness => {
  const byGroup = new Map<GroupName, number>()
  let nextAt = Number.POSITIVE_INFINITY
  for (const [source, { groups, expectedIntervalHours }] of Object.entries(model.sources)) {
    const seenAt = lastSeenAt.get(source)
    if (seenAt === undefined) continue
    const interval = expectedIntervalHours * HOUR_MS
    const fadesFrom = seenAt + interval
    const gone = fadesFrom + interval
    if (at < fadesFrom) nextAt = Math.min(nextAt, fadesFrom)
    else if (at < gone) {
      nextAt = Math.min(nextAt, gone, fadesFrom + (Math.floor((at - fadesFrom) / HOUR_MS) + 1) * HOUR_MS)
    }
    const freshness = Math.min(1, Math.max(0, (gone - at) / interval))
    if (freshness < 1) for (const group of groups) byGroup.set(group, (byGroup.get(group) ?? 1) * freshness)
  }
  return byGroup.size === 0 && nextAt === FRESH.nextAt ? FRESH : { of: (group) => byGroup.get(group) ?? 1, nextAt }
}
