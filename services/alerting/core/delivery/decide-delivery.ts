import { DAY_MS } from '#libs/runtime/durations.ts'
import type { Verdict } from './classify-response.ts'
import { type DeliverySchedule, nextTryDelay } from './retry-schedule.ts'

export type DeliveryDecision =
  | { readonly state: 'delivered' }
  | { readonly state: 'pending'; readonly nextAttemptAt: number; readonly reason: string }
  | { readonly state: 'exhausted'; readonly reason: string }

export type EndpointDecision =
  | { readonly endpoint: 'healthy' }
  | { readonly endpoint: 'failing' }
  | { readonly endpoint: 'throttled'; readonly pausedUntil: number }
  | { readonly endpoint: 'disable'; readonly reason: 'gone' | 'failed_for_5_days' }

export type Decision = { readonly delivery: DeliveryDecision; readonly effect: EndpointDecision }

export const DISABLE_AFTER_MS = 5 * DAY_MS

type Try = {
  readonly verdict: Verdict
  /** Tries of this round, this one included. */
  readonly tries: number
  /** Since when the endpoint only fails, null when it does not. */
  readonly failingSince: number | null
  readonly schedule: DeliverySchedule
  readonly now: number
  readonly random: number
}

/** What a try means for its delivery and for its endpoint. */
export const decideDelivery = (attempt: Try): Decision => {
  const { verdict, failingSince, now } = attempt
  switch (verdict.verdict) {
    case 'delivered':
      return { delivery: { state: 'delivered' }, effect: { endpoint: 'healthy' } }
    case 'gone':
      return {
        delivery: { state: 'exhausted', reason: 'endpoint_gone' },
        effect: { endpoint: 'disable', reason: 'gone' },
      }
    case 'throttled':
    case 'failed': {
      const waitMs = verdict.verdict === 'throttled' ? verdict.pauseMs : (verdict.retryAfterMs ?? 0)
      const delivery = reschedule(attempt, verdict.reason, waitMs)
      if (failingSince !== null && now - failingSince >= DISABLE_AFTER_MS)
        return { delivery, effect: { endpoint: 'disable', reason: 'failed_for_5_days' } }
      if (verdict.verdict === 'throttled')
        return { delivery, effect: { endpoint: 'throttled', pausedUntil: now + verdict.pauseMs } }
      return { delivery, effect: { endpoint: 'failing' } }
    }
  }
}

/** The later of what the schedule says and what the receiver asked for. */
const reschedule = ({ schedule, tries, random, now }: Try, reason: string, waitMs: number): DeliveryDecision => {
  const delayMs = nextTryDelay(schedule, tries, random)
  if (delayMs === undefined) return { state: 'exhausted', reason }
  return { state: 'pending', nextAttemptAt: now + Math.max(delayMs, waitMs), reason }
}
