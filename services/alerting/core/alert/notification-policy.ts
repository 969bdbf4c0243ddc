import type { Severity } from '#libs/contracts/severity.ts'
import { type Weekday, weekdayOf, zoneNamed } from '#libs/time/time-zone.ts'

export type QuietHours = {
  readonly timeZone: string
  /** Minutes of the local day; 20:00 to 07:00 spans midnight. Null: only whole days are quiet. */
  readonly hours: { readonly from: number; readonly to: number } | null
  readonly quietDays: readonly Weekday[]
  readonly criticalPasses: boolean
}

/** Who is notified of an alert that nobody acknowledges. */
export type Escalation = {
  readonly afterMs: number
  readonly severities: readonly Severity[]
  readonly severity: Severity
  /** Empty: the endpoints that subscribe to `alert.escalated`. */
  readonly endpointIds: readonly string[]
}

export type Grouping = { readonly windowMs: number; readonly severities: readonly Severity[] }

export type Digest = { readonly timeZone: string; readonly minute: number; readonly days: readonly Weekday[] }

/** Null disables the feature. */
export type NotificationPolicy = {
  readonly quietHours: QuietHours | null
  readonly grouping: Grouping | null
  readonly escalation: Escalation | null
  readonly digest: Digest | null
}

/** More spans than a week of quiet days and nights has. */
const MOST_SPANS = 20

/** When the quiet hours at `at` end for this severity; null when alerts are notified at once. */
export const quietUntil = (quiet: QuietHours | null, severity: Severity, at: number): number | null => {
  if (quiet === null || (severity === 'critical' && quiet.criticalPasses)) return null
  let until = at
  for (let i = 0; i < MOST_SPANS; i++) {
    const end = endOfSpan(quiet, until)
    if (end === null) break
    until = end
  }
  return until === at ? null : until
}

const endOfSpan = ({ timeZone, hours, quietDays }: QuietHours, at: number): number | null => {
  const zone = zoneNamed(timeZone)
  const day = zone.dayOf(at)
  const minute = zone.minuteOf(at)
  const later = (onDay: number, atMinute: number): number => Math.max(at + 1, zone.instantOf(onDay, atMinute))
  if (quietDays.includes(weekdayOf(day))) return later(day + 1, 0)
  if (hours === null) return null
  const { from, to } = hours
  if (from < to) return from <= minute && minute < to ? later(day, to) : null
  return minute >= from ? later(day + 1, to) : minute < to ? later(day, to) : null
}

export const nextDigestAt = ({ timeZone, minute, days }: Digest, after: number): number => {
  const zone = zoneNamed(timeZone)
  const day = zone.dayOf(after)
  for (let ahead = 0; ; ahead++) {
    const at = zone.instantOf(day + ahead, minute)
    if (at > after && days.includes(weekdayOf(zone.dayOf(at)))) return at
  }
}
