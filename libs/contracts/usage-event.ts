import { z } from 'zod'
import { MAX_EVENT_ID_LENGTH, MAX_NAME_LENGTH } from './event-limits.ts'

const name = z.string().min(1).max(MAX_NAME_LENGTH)

/** Types that Pulso makes itself: an account's history shows them, nobody may report them. */
export const RESERVED_TYPES: ReadonlySet<string> = new Set(['Onboarding Bypassed'])

/** A fact a product backend reports, in Pulso's own JSON. */
export const usageEventSchema = z.object({
  id: z.string().min(1).max(MAX_EVENT_ID_LENGTH).describe('Dedupe key within tenant and source'),
  source: name.optional().describe('Where it was seen; the key’s name when absent'),
  type: name.describe('The event’s name, such as "Feature Used"; "Onboarding Bypassed" is reserved'),
  accountId: name,
  userId: name.nullish(),
  occurredAt: z.iso.datetime({ offset: true }).describe('RFC 3339'),
  properties: z.record(z.string(), z.unknown()).optional(),
  mode: z.enum(['live', 'backfill']).optional(),
})
export type UsageEvent = z.infer<typeof usageEventSchema>

/**
 * The record on `usage.events` with header `kind: event` or none. A product backend may write it:
 * `tenantId` then comes from the key, `source` is "kafka". `receivedAt` is believed where the
 * header `signed-at` proves that ingest wrote it, else it is the timestamp of the broker.
 */
export const eventRecordSchema = usageEventSchema.extend({
  tenantId: z.string().optional(),
  receivedAt: z.iso.datetime().optional(),
})
export type EventRecord = z.infer<typeof eventRecordSchema>

/**
 * The record with header `kind: evaluate`: a command to evaluate an account without an event. It
 * counts with a valid header `signed-at` only.
 */
export const evaluateAccountSchema = z.object({ tenantId: z.string(), accountId: name, dueAt: z.iso.datetime() })
export type EvaluateAccount = z.infer<typeof evaluateAccountSchema>

export const usageRecordSchema = z.union([eventRecordSchema, evaluateAccountSchema])
