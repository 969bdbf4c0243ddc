import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { countOf } from '#libs/access/assert-room.ts'
import { SEVERITIES } from '#libs/contracts/severity.ts'
import type { Sql } from '#libs/postgres/database.ts'
import { createTimeSlices } from '#libs/runtime/time-slices.ts'
import type { ReportUnreadable } from '#libs/runtime/unreadable-documents.ts'
import type { Rule } from '../core/alert/rule.ts'
import type { RuleInForce } from '../core/alert/rule-states.ts'
import { type RuleDocument, readRuleDocument } from './rule-document.ts'
import { readShippedRules } from './shipped-rules.ts'

export type StoredRule = {
  readonly tenantId: string
  readonly ruleId: string
  readonly version: number
  readonly document: RuleDocument
  readonly deleted: boolean
  readonly updatedAt: number
}

export type RuleCatalog = {
  /**
   * Per tenant: shipped rules, as the tenant changed them, and its own. Critical ones first. A rule
   * that this release cannot read is left out, and its alerts stay as they are.
   */
  readonly rulesInForce: (
    sql: Sql,
    tenantIds: readonly string[],
  ) => Promise<ReadonlyMap<string, readonly RuleInForce[]>>
  readonly shipped: ReadonlyMap<string, { readonly document: RuleDocument; readonly rule: Rule }>
  /** For what is read beside the rules: one count has all documents of a process. */
  readonly reportUnreadable: ReportUnreadable
}

const MAX_COMPILED = 10_000

export const createRuleCatalog = (reportUnreadable: ReportUnreadable = () => {}): RuleCatalog => {
  const shipped = readShippedRules()
  const versions = new Map([...shipped].map(([id, { document }]) => [id, hash(document)]))
  const compiled = new LRUCache<string, { readonly rule: Rule | null }>({ max: MAX_COMPILED })

  const compile = (stored: StoredRule, version: string): Rule | null => {
    const known = compiled.get(version)
    if (known) return known.rule
    const read = readRuleDocument({ ...stored.document, enabled: stored.document.enabled && !stored.deleted })
    const rule = read.ok ? read.rule : null
    compiled.set(version, { rule })
    return rule
  }

  return {
    shipped,
    reportUnreadable,
    rulesInForce: async (sql, tenantIds) => {
      const ownOf = Map.groupBy(await storedRules(sql, tenantIds), (row) => row.tenantId)
      const slices = createTimeSlices()
      const inForce = new Map<string, readonly RuleInForce[]>()
      for (const tenantId of tenantIds) {
        const own = ownOf.get(tenantId) ?? []
        const changed = new Set(own.map((row) => row.ruleId))
        const rules: RuleInForce[] = [...shipped]
          .filter(([ruleId]) => !changed.has(ruleId))
          .map(([ruleId, { rule }]) => ({ rule, version: versions.get(ruleId)! }))
        const unreadable: string[] = []
        for (const row of own) {
          const version = hash({ document: row.document, deleted: row.deleted })
          const rule = compile(row, version)
          if (rule !== null) rules.push({ rule, version })
          else if (!row.deleted) unreadable.push(row.ruleId)
          // After a start none is compiled: those of one tenant may take seconds together.
          if (slices.isOver()) await slices.next()
        }
        reportUnreadable('rule', tenantId, unreadable)
        inForce.set(tenantId, rules.sort(inOrder))
      }
      return inForce
    },
  }
}

const inOrder = (a: RuleInForce, b: RuleInForce): number =>
  SEVERITIES.indexOf(b.rule.severity) - SEVERITIES.indexOf(a.rule.severity) || (a.rule.id < b.rule.id ? -1 : 1)

/** The version of a rule is the hash of its content. A state belongs to one version. */
const hash = (content: object): string =>
  createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 12)

/** Own and changed rules of these tenants, with deleted ones. */
export const storedRules = (sql: Sql, tenantIds: readonly string[]): Promise<readonly StoredRule[]> =>
  sql.query<StoredRule>(
    `select tenant_id as "tenantId", rule_id as "ruleId", version, document, deleted, updated_at as "updatedAt"
       from alerting.rule where tenant_id = any($1)`,
    [tenantIds],
  )

export const storedRule = async (sql: Sql, tenantId: string, ruleId: string): Promise<StoredRule | undefined> =>
  (await storedRules(sql, [tenantId])).find((rule) => rule.ruleId === ruleId)

/** Own and changed rules, without deleted ones. */
export const countRules = (tx: Sql, tenantId: string): Promise<number> =>
  countOf(tx, 'select count(*) from alerting.rule where tenant_id = $1 and not deleted', [tenantId])

export type RuleToSave = {
  readonly tenantId: string
  readonly document: RuleDocument
  readonly deleted: boolean
  readonly at: number
}

/** Writes the next version of the rule. */
export const saveRule = async (tx: Sql, { tenantId, document, deleted, at }: RuleToSave): Promise<void> => {
  await tx.query(
    `insert into alerting.rule as r (tenant_id, rule_id, version, document, deleted, updated_at)
     values ($1, $2, 1, $3::jsonb, $4, to_timestamp($5::double precision / 1000))
     on conflict (tenant_id, rule_id) do update
        set version = r.version + 1, document = excluded.document, deleted = excluded.deleted, updated_at = excluded.updated_at`,
    [tenantId, document.id, JSON.stringify(document), deleted, at],
  )
}

/** Removes the tenant's change of a shipped rule. */
export const removeRule = async (tx: Sql, tenantId: string, ruleId: string): Promise<void> => {
  await tx.query('delete from alerting.rule where tenant_id = $1 and rule_id = $2', [tenantId, ruleId])
}
