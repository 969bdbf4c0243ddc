import type { Stage } from '#libs/contracts/account-health.ts'
import type { Model } from '#libs/contracts/health-model.ts'
import { DAY_MS } from '#libs/runtime/durations.ts'
import type { AccountState } from '../state/state.ts'

/**
 * Days without activity after which an account is inactive; null before any activity. Fixed in
 * onboarding; later a multiple of the median gap between active days, given enough gaps.
 */
export const inactivityLimitDays = (state: AccountState, stage: Stage, { silence }: Model): number | null => {
  if (state.lastActivityAt === null) return null
  if (stage === 'onboarding') return silence.onboardingDays
  const median = medianGap(state.activeDays, silence.historyDays, silence.minimumGaps)
  if (median === null) return silence.defaultDays
  return Math.min(silence.maxDays, Math.max(silence.minDays, silence.gapFactor * median))
}

const medianGap = (days: readonly number[], historyDays: number, minimumGaps: number): number | null => {
  const from = days[days.length - 1]! - historyDays + 1
  const gaps: number[] = []
  for (let index = days.length - 1; index > 0 && days[index - 1]! >= from; index -= 1) {
    gaps.push(days[index]! - days[index - 1]!)
  }
  if (gaps.length === 0 || gaps.length < minimumGaps) return null
  gaps.sort((a, b) => a - b)
  const middle = gaps.length >> 1
  return gaps.length % 2 === 1 ? gaps[middle]! : (gaps[middle - 1]! + gaps[middle]!) / 2
}

/** When the account becomes (or became) inactive; null before any activity. */
export const inactiveFrom = (state: AccountState, limitDays: number | null): number | null =>
  state.lastActivityAt === null || limitDays === null ? null : state.lastActivityAt + limitDays * DAY_MS
