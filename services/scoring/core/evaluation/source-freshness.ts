import type { GroupName, Model } from '#libs/contracts/health-model.ts'
import { HOUR_MS } from '#libs/runtime/durations.ts'

/** Freshness of each group, 0..1, and when a freshness next changes. */
export type SourceFreshness = { readonly of: (group: GroupName) => number; readonly nextAt: number }

const FRESH: SourceFreshness = { of: () => 1, nextAt: Number.POSITIVE_INFINITY }

/**
 * A source past its interval fades its groups linearly to 0 over one more interval; meanwhile its
 * accounts are evaluated hourly. A source never heard fades nothing.
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
