import { z } from 'zod'
import { SEVERITIES } from './severity.ts'

/** The message on `alert.events`: one per transition of an alert. */
export const alertEventSchema = z.object({
  alertId: z.uuid(),
  tenantId: z.string(),
  accountId: z.string().nullable().describe('Null for alerts of operators: about a source, or about all accounts'),
  source: z.string().nullable().describe('The source that is silent; null for all other alerts'),
  ruleId: z.string(),
  severity: z.enum(SEVERITIES),
  episode: z.int().min(1),
  transition: z.enum(['pending', 'firing', 'recovering', 'resolved', 'acknowledged']),
  reason: z.string(),
  at: z.iso.datetime(),
  sequence: z.int().describe('Sequence of the account’s change that led here; 0 without an account'),
})
export type AlertEvent = z.infer<typeof alertEventSchema>
