import { MAX_AHEAD_MS, MAX_LIVE_AGE_DAYS, MAX_LIVE_AGE_MS } from '#libs/contracts/event-limits.ts'
import { DAY_MS } from '#libs/runtime/durations.ts'

export type TimeInput = {
  /** By the client's clock, epoch milliseconds. */
  readonly occurredAt: number
  readonly receivedAt: number
  /** Lag of the client's clock: receivedAt - sentAt; 0: the client sent no `sentAt`. */
  readonly clockOffsetMs: number
  readonly backfill: boolean
  readonly retentionDays: number
}

export type TimeVerdict =
  | { readonly ok: true; readonly occurredAt: number }
  | {
      readonly ok: false
      readonly code: 'in_the_future' | 'too_old' | 'needs_backfill' | 'invalid_time'
      readonly detail: string
    }

/** Corrects `occurredAt` by the clock offset and checks its limits, which are inclusive. */
export const validateTime = (input: TimeInput): TimeVerdict => {
  const { receivedAt, retentionDays } = input
  const occurredAt = input.occurredAt + input.clockOffsetMs
  if (!Number.isFinite(occurredAt)) return { ok: false, code: 'invalid_time', detail: 'Must be an instant' }
  const ageMs = receivedAt - occurredAt
  if (ageMs < -MAX_AHEAD_MS) return { ok: false, code: 'in_the_future', detail: 'More than 5 minutes in the future' }
  if (ageMs > retentionDays * DAY_MS)
    return { ok: false, code: 'too_old', detail: `Older than the retention of ${retentionDays} days` }
  if (ageMs > MAX_LIVE_AGE_MS && !input.backfill)
    return {
      ok: false,
      code: 'needs_backfill',
      detail: `Older than ${MAX_LIVE_AGE_DAYS} days: send it with "mode": "backfill"`,
    }
  return { ok: true, occurredAt }
}
