import { DAY_MS } from '#libs/runtime/durations.ts'
import { isOwnFailure, type Verdict } from './classify-response.ts'
import { type DeliverySchedule, nextTryDelay } from './retry-schedule.ts'

export type DeliveryDecision =
  | { readonly state: 'delivered' }
  | { readonly state: 'pending'; readonly nextAttemptAt: number; readonly reason: string }
  | { readonly state: 'exhausted'; readonly reason: string }

export type EndpointDecision =
  | { readonly endpoint: 'healthy' }
  | { readonly endpoint: 'failing' }
  /** It was not called. */
  | { readonly endpoint: 'untried' }
  | { readonly endpoint: 'throttled'; readonly pausedUntil: number }
  | { readonly endpoint: 'disable'; readonly reason: 'gone' | 'failed_for_5_days' }

export type Decision = { readonly delivery: DeliveryDecision; readonly effect: EndpointDecision }

export const DISABLE_AFTER_MS = 5 * DAY_MS

type Attempted = {
  readonly verdict: Verdict
  /** Attempts since creation or the last replay, this one included. */
  readonly tries: number
  /** First failure since the last success; null when the last attempt succeeded. */
  readonly failingSince: number | null
  readonly schedule: DeliverySchedule
  readonly now: number
  readonly random: number
}

export const decideDelivery = (attempt: Attempted): Decision => {
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
      if (isOwnFailure(verdict.reason)) return { delivery, effect: { endpoint: 'untried' } }
      if (failingSince !== null && now - failingSince >= DISABLE_AFTER_MS)
        return { delivery, effect: { endpoint: 'disable', reason: 'failed_for_5_days' } }
      if (verdict.verdict === 'throttled')
        return { delivery, effect: { endpoint: 'throttled', pausedUntil: now + verdict.pauseMs } }
      return { delivery, effect: { endpoint: 'failing' } }
    }
  }
}

/** Waits as long as the schedule says, and at least as long as the receiver asked for. */
const reschedule = ({ schedule, tries, random, now }: Attempted, reason: string, waitMs: number): DeliveryDecision => {
  const delayMs = nextTryDelay(schedule, tries, random)
  if (delayMs === undefined) return { state: 'exhausted', reason }
  return { state: 'pending', nextAttemptAt: now + Math.max(delayMs, waitMs), reason }
}
