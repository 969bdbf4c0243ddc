import { z } from 'zod'
import { envInteger } from '#libs/runtime/config.ts'

/** Bounds of the memory of one process; accounts beyond them are read again at their next event. */
export const scoringConfigSchema = z.object({
  /** Days. Scoring parks older events of the topic; ingest refuses them by the same setting. */
  PULSO_RETENTION_DAYS: envInteger(32, 3_650, 400),
  PULSO_SCORING_CACHE_BYTES: envInteger(1024 * 1024, 64 * 1024 * 1024 * 1024, 128 * 1024 * 1024),
  PULSO_SCORING_BATCH_BYTES: envInteger(64 * 1024, 256 * 1024 * 1024, 3 * 1024 * 1024),
  PULSO_SCORING_HELD_BYTES: envInteger(1024 * 1024, 16 * 1024 * 1024 * 1024, 72 * 1024 * 1024),
  PULSO_SCORING_REEVALUATIONS_PER_SECOND: envInteger(1, 1_000_000, 10_000),
})
export type ScoringConfig = z.infer<typeof scoringConfigSchema>
