import { z } from 'zod'

/** The message on `alert.events`: one per transition of an alert. */
export const alertEventSchema = z.object({
  alertId: z.uuid(),
  tenantId: z.string(),
  accountId: z.string(),
  ruleId: z.string(),
  severity: z.enum(['info', 'warning', 'critical']),
  episode: z.int().min(1),
  transition: z.enum(['pending', 'firing', 'recovering', 'resolved', 'acknowledged']),
  reason: z.string(),
  at: z.iso.datetime(),
  sequence: z.int().describe('Sequence of the account’s change that led here'),
})
export type AlertEvent = z.infer<typeof alertEventSchema>
