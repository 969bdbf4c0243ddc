import { z } from 'zod'
import { envInteger, envList } from '#libs/runtime/config.ts'

const ORIGINS = 'must be *, none, or origins such as https://app.example.com, several separated by commas'

const originOf = (part: string): string | undefined => {
  const text = part.trim().toLowerCase().replace(/\/$/, '')
  return !text.includes('*') && URL.canParse(text) && new URL(text).origin === text ? text : undefined
}

export const ingestConfigSchema = z.object({
  /** Days; older events are rejected. */
  PULSO_RETENTION_DAYS: envInteger(32, 3_650, 400),
  /** Ids kept in memory to answer `duplicate` and `conflict`; about 200 bytes each. */
  PULSO_INGEST_RECENT_IDS: envInteger(0, 10_000_000, 200_000),
  /** Whose pages may call ingest: `*`, `none` or a list of origins. */
  PULSO_CORS_ORIGINS: z.union([z.enum(['*', 'none']), envList(originOf, ORIGINS)], { error: ORIGINS }).default('*'),
})
export type IngestConfig = z.infer<typeof ingestConfigSchema>
