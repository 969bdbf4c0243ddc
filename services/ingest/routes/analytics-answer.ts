import { z } from 'zod'
import { type Outcome, outcomeSchema } from '../verdicts.ts'

/** What analytics clients send: RudderStack labels its JSON as a form, browsers label theirs as text. */
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

/** Always 200: several clients take any other 2xx for a failure and would send the good items again for ever. */
export const analyticsAnswer = ({ abandoned: _, ...outcome }: Outcome) => ({
  success: true as const,
  status: 1 as const,
  ...outcome,
  results: outcome.results as z.infer<typeof analyticsAnswerSchema>['results'],
})

/** The bytes are read by us, the answer is made by us: the route's schemas are for the documentation. */
export const undocumentedByZod = {
  validatorCompiler: () => (value: unknown) => ({ value }),
  serializerCompiler: () => JSON.stringify,
}
