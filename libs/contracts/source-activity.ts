import { z } from 'zod'

/** The message on `source.activity`: at most one a minute per source, not always in time order. */
export const sourceActivitySchema = z.object({
  tenantId: z.string().min(1),
  source: z.string().min(1).max(256),
  heardAt: z.iso.datetime().describe('When the newest live event or `Source Heartbeat` of the source was received'),
  expectedIntervalHours: z
    .number()
    .positive()
    .nullable()
    .describe('How long the source may be quiet, where the model says so; null: the reader’s default'),
})
export type SourceActivity = z.infer<typeof sourceActivitySchema>
