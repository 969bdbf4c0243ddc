import { z } from 'zod'
import type { Sql } from '#libs/postgres/database.ts'
import { readRuleDocument, ruleDocumentSchema } from '../rules/rule-document.ts'
import { type RuleCatalog, type StoredRule, storedRules } from '../rules/rule-store.ts'
import { RULE_EXAMPLE } from './rule-body.ts'
import { unreadable, unreadableShape } from './unreadable-document.ts'

export const ruleSchema = z
  .object({ ...ruleDocumentSchema.shape, origin: z.enum(['shipped', 'changed', 'own']) })
  .meta({ examples: [{ ...ruleDocumentSchema.parse(RULE_EXAMPLE), origin: 'own' }] })

const unreadableRuleSchema = z
  .object({
    id: z.string(),
    origin: ruleSchema.shape.origin,
    ...unreadableShape,
  })
  .describe('A rule that another release has stored and this one cannot read: it is not evaluated')
  .meta({
    examples: [
      {
        id: 'usage_fell',
        origin: 'own',
        problem: { code: 'unreadable', detail: '/when: Unrecognized member' },
        document: { id: 'usage_fell', severity: 'warning', when: {} },
      },
    ],
  })

export const shownRuleSchema = z.union([ruleSchema, unreadableRuleSchema])
type ShownRule = z.infer<typeof shownRuleSchema>

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
    ...stored.filter((row) => !row.deleted).map((row) => show(row, shipped.has(row.ruleId) ? 'changed' : 'own')),
  ].sort((a, b) => (a.id < b.id ? -1 : 1))
}

const show = ({ ruleId, document }: StoredRule, origin: 'changed' | 'own'): ShownRule => {
  const read = readRuleDocument(document)
  if (read.ok) return { ...document, origin }
  const detail = read.errors.map((error) => `${error.pointer}: ${error.detail}`).join('; ')
  return { id: ruleId, origin, ...unreadable(detail, document) }
}

/** Undefined: there is none of that id. */
export const showRule = async (sql: Sql, ruleCatalog: RuleCatalog, tenantId: string, ruleId: string) =>
  (await showRules(sql, ruleCatalog, tenantId)).find((rule) => rule.id === ruleId)
