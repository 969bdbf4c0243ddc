import { activeDaysOf } from './measures-of-use.ts'
import { activity, latest, type Past } from './past.ts'
import type { Stage } from './stages.ts'

const HOUR_MS = 3_600_000

const median = (sorted: readonly number[]): number => {
  const half = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
}

export const silenceLimitDays = (past: Past, stage: Stage): number => {
  if (stage === 'onboarding') return 7
  const all = [...activeDaysOf(past)].sort((a, b) => a - b)
  const days = all.filter((day) => day > all.at(-1)! - 91)
  const gaps = days.slice(1).map((day, index) => day - days[index]!)
  if (gaps.length < 5) return 14
  return Math.max(7, Math.min(30, 3 * median(gaps.sort((a, b) => a - b))))
}

/**
 * The exact instant from which the account is silent; null until then, and without any activity.
 */
export const silentSince = (past: Past, stage: Stage): number | null => {
  const last = latest(activity(past))
  if (last === null) return null
  const from = last.occurredAt + silenceLimitDays(past, stage) * 24 * HOUR_MS
  return from <= past.at ? from : null
}
