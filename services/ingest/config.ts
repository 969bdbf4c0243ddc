import { z } from 'zod'
import { envInteger } from '#libs/runtime/config.ts'

export const ingestConfigSchema = z.object({
  /** Days; older events are rejected. */
  PULSO_RETENTION_DAYS: envInteger(32, 3_650, 400),
  /** Ids kept in memory to answer `duplicate` and `conflict`; about 200 bytes each. */
  PULSO_INGEST_RECENT_IDS: envInteger(0, 10_000_000, 200_000),
})
export type IngestConfig = z.infer<typeof ingestConfigSchema>
