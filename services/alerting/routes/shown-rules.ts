import { z } from 'zod'
import type { Sql } from '#libs/postgres/database.ts'
import { ruleDocumentSchema } from '../rules/rule-document.ts'
import { type RuleCatalog, storedRules } from '../rules/rule-store.ts'
import { RULE_EXAMPLE } from './rule-body.ts'

export const ruleSchema = z
  .object({ ...ruleDocumentSchema.shape, origin: z.enum(['shipped', 'changed', 'own']) })
  .meta({ examples: [{ ...ruleDocumentSchema.parse(RULE_EXAMPLE), origin: 'own' }] })
export type ShownRule = z.infer<typeof ruleSchema>

export const ruleParams = z.object({
  ruleId: z
    .string()
    .max(64)
    .meta({ examples: ['at_risk_entered'] }),
})

/** The tenant's rules by id: the shipped ones, as changed by it, and its own. */
export const showRules = async (
  sql: Sql,
  { shipped }: RuleCatalog,
  tenantId: string,
): Promise<readonly ShownRule[]> => {
  const stored = await storedRules(sql, [tenantId])
  const own = new Set(stored.map((row) => row.ruleId))
  const untouched = [...shipped.values()].filter(({ document }) => !own.has(document.id))
  return [
    ...untouched.map(({ document }) => ({ ...document, origin: 'shipped' as const })),
    ...stored
      .filter((row) => !row.deleted)
      .map(({ document, ruleId }) => ({
        ...document,
        origin: shipped.has(ruleId) ? ('changed' as const) : ('own' as const),
      })),
  ].sort((a, b) => (a.id < b.id ? -1 : 1))
}

export const showRule = async (sql: Sql, ruleCatalog: RuleCatalog, tenantId: string, ruleId: string) =>
  (await showRules(sql, ruleCatalog, tenantId)).find((rule) => rule.id === ruleId)
