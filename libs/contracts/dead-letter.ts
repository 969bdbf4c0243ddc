import { z } from 'zod'

/** Headers of a record on `<topic>.dead`, beside the original ones. Key and value are unchanged. */
export const deadLetterHeadersSchema = z.object({
  'dead-reason': z.string(),
  'dead-topic': z.string(),
  'dead-partition': z.string(),
  'dead-offset': z.string(),
  'dead-at': z.string(),
  /** When the log took the record in. Absent in letters of former releases. */
  'dead-timestamp': z.string().optional(),
})
export type DeadLetterHeaders = z.infer<typeof deadLetterHeadersSchema>
