import { z } from 'zod'
import { type Outcome, outcomeSchema } from '../acceptance/verdicts.ts'

/** Content types of analytics clients: RudderStack calls its JSON a form, browsers text. */
export const ANALYTICS_TYPES = ['application/json', 'application/x-www-form-urlencoded', 'text/plain']

export const analyticsAnswerSchema = z
  .object({ success: z.literal(true), status: z.literal(1), ...outcomeSchema.shape })
  .meta({
    examples: [
      {
        success: true,
        status: 1,
        accepted: 1,
        duplicate: 0,
        rejected: 0,
        results: [{ index: 0, id: 'node-next-1795348800000-b5a1', status: 'accepted' }],
      },
    ],
  })

/** Always 200: several clients treat any other 2xx as a failure and retry the good items. */
export const analyticsAnswer = ({ abandoned: _, ...outcome }: Outcome) => ({
  success: true as const,
  status: 1 as const,
  ...outcome,
  results: outcome.results as z.infer<typeof analyticsAnswerSchema>['results'],
})

/** The handlers parse and serialize themselves: the schemas of these routes only document them. */
export const undocumentedByZod = {
  validatorCompiler: () => (value: unknown) => ({ value }),
  serializerCompiler: () => JSON.stringify,
}
