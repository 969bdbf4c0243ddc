import { z } from 'zod'
import {
  type AccountHealth,
  accountHealthSchema,
  bandSchema,
  causeSchema,
  explanationLineSchema,
  factsSchema,
  stageSchema,
} from './account-health.ts'

/** What a newer release says and this one does not know: it equals no value asked for. */
const OTHER = 'other'

/** The values of the enum as they are, another text as "other". */
const orOther = <Value extends string>(known: z.ZodType<Value>) =>
  z.string().transform((value): Value => {
    const read = known.safeParse(value)
    return read.success ? read.data : (OTHER as Value)
  })

const band = orOther(bandSchema)
const stage = orOther(stageSchema)
const cause = orOther(causeSchema)

/**
 * The message as its readers take it: a band, stage or cause of a newer release reads as "other",
 * a member of a newer release is ignored. Writers and documents keep `accountHealthSchema`.
 */
export const readAccountHealthSchema: z.ZodType<AccountHealth> = accountHealthSchema.extend({
  health: accountHealthSchema.shape.health.extend({
    band,
    previousBand: band.nullable(),
    stage,
    previousStage: stage.nullable(),
  }),
  cause,
  explanation: z.array(explanationLineSchema.extend({ cause })),
  evidence: z.record(z.string(), z.array(z.string())).transform((byCause): AccountHealth['evidence'] => {
    const known: AccountHealth['evidence'] = {}
    for (const [name, ids] of Object.entries(byCause)) {
      const { data } = causeSchema.safeParse(name)
      if (data !== undefined) known[data] = ids
    }
    return known
  }),
  facts: factsSchema.extend({ band, stage }),
})
