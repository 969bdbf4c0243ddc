import { z } from 'zod'
import { decodeCursor, pageOf, pageQuery, pageSchema } from '#libs/http/pages.ts'
import { errors, notFound } from '#libs/http/problems/problem.ts'
import { routes } from '#libs/http/routes.ts'
import type { Database } from '#libs/postgres/database.ts'
import { RULE_JSON_SCHEMA } from '../rules/rule-document.ts'
import type { RuleCatalog } from '../rules/rule-store.ts'
import { ruleParams, shownRuleSchema, showRule, showRules } from './shown-rules.ts'

const jsonSchemaSchema = z
  .record(z.string(), z.unknown())
  .meta({ examples: [{ $schema: RULE_JSON_SCHEMA.$schema, title: RULE_JSON_SCHEMA.title, type: 'object' }] })

export const ruleRoutes = ({
  database,
  ruleCatalog,
}: {
  readonly database: Database
  readonly ruleCatalog: RuleCatalog
}) =>
  routes((app) => {
    app.get(
      '/v1/rules',
      {
        config: { scope: 'read' },
        schema: {
          operationId: 'listRules',
          summary: 'Rules by id: the shipped ones, as changed here, and own ones',
          tags: ['rules'],
          querystring: z.object(pageQuery),
          response: { 200: pageSchema(shownRuleSchema) },
        },
      },
      async ({ query, principal }) => {
        const after = decodeCursor(z.string(), query.cursor) ?? ''
        const rest = (await showRules(database, ruleCatalog, principal.tenantId)).filter((rule) => rule.id > after)
        return pageOf(
          rest.slice(0, query.limit + 1),
          query.limit,
          (rule) => rule,
          (rule) => rule.id,
        )
      },
    )
    app.get(
      '/v1/rule-schema',
      {
        config: { scope: 'read' },
        schema: {
          operationId: 'getRuleSchema',
          summary: 'The JSON Schema of rules, for editors',
          tags: ['rules'],
          response: { 200: jsonSchemaSchema },
        },
      },
      async () => RULE_JSON_SCHEMA,
    )
    app.get(
      '/v1/rules/:ruleId',
      {
        config: { scope: 'read' },
        schema: {
          operationId: 'getRule',
          summary: 'One rule',
          tags: ['rules'],
          params: ruleParams,
          response: { 200: shownRuleSchema, ...errors(404) },
        },
      },
      async ({ params, principal }) => {
        const rule = await showRule(database, ruleCatalog, principal.tenantId, params.ruleId)
        if (!rule) throw notFound('rule')
        return rule
      },
    )
  })
