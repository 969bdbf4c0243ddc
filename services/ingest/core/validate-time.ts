import { MAX_AHEAD_MS, MAX_LIVE_AGE_DAYS, MAX_LIVE_AGE_MS } from '#libs/contracts/event-limits.ts'
import { DAY_MS } from '#libs/runtime/durations.ts'

export type TimeQuestion = {
  /** As the client's clock said, epoch milliseconds. */
  readonly occurredAt: number
  readonly receivedAt: number
  /** How far the client's clock is behind ours: receivedAt - sentAt; 0 when the client did not say. */
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

/** Corrects the client's clock, then says whether an event of that instant is taken. Exactly at a limit it is. */
export const validateTime = (question: TimeQuestion): TimeVerdict => {
  const { receivedAt, retentionDays } = question
  const occurredAt = question.occurredAt + question.clockOffsetMs
  if (!Number.isFinite(occurredAt)) return { ok: false, code: 'invalid_time', detail: 'Not an instant' }
  const ageMs = receivedAt - occurredAt
  if (ageMs < -MAX_AHEAD_MS) return { ok: false, code: 'in_the_future', detail: 'More than 5 minutes in the future' }
  if (ageMs > retentionDays * DAY_MS)
    return { ok: false, code: 'too_old', detail: `Older than the retention of ${retentionDays} days` }
  if (ageMs > MAX_LIVE_AGE_MS && !question.backfill)
    return {
      ok: false,
      code: 'needs_backfill',
      detail: `Older than ${MAX_LIVE_AGE_DAYS} days: send it with "mode": "backfill"`,
    }
  return { ok: true, occurredAt }
}
