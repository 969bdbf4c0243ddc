import { z } from 'zod'
import { assertRoom } from '#libs/access/assert-room.ts'
import { recordAudit } from '#libs/access/audit-store.ts'
import type { IdempotentReply } from '#libs/access/idempotent-reply.ts'
import type { Principal } from '#libs/access/keyring.ts'
import { errors, notFound } from '#libs/http/problems/problem.ts'
import { routes } from '#libs/http/routes.ts'
import { acceptYaml, JSON_OR_YAML } from '#libs/http/yaml-body.ts'
import type { Database, Sql } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { RequestError } from '#libs/runtime/errors.ts'
import { checkAllAccounts } from '../evaluation/account-store.ts'
import { checkAllMonitors } from '../evaluation/monitor-store.ts'
import { countRules, type RuleCatalog, removeRule, saveRule, storedRule } from '../rules/rule-store.ts'
import { readRule, ruleBodySchema } from './rule-body.ts'
import { ruleParams, shownRuleSchema, showRule } from './shown-rules.ts'

export type RuleChangesDeps = {
  readonly database: Database
  readonly clock: Clock
  readonly ruleCatalog: RuleCatalog
  readonly idempotentReply: IdempotentReply
}

/** A change is in force at once: every account is evaluated by it. */
export const ruleChangeRoutes = ({ database, clock, ruleCatalog, idempotentReply }: RuleChangesDeps) =>
  routes((app) => {
    acceptYaml(app)

    const change =
      (by: Principal, ruleId: string, action: string, write: (tx: Sql) => Promise<object>) => async (tx: Sql) => {
        const detail = await write(tx)
        await checkAllAccounts(tx, by.tenantId, clock.now())
        await checkAllMonitors(tx, by.tenantId, clock.now())
        await recordAudit(tx, by, { action, subject: ruleId, detail: { ...detail } })
        return showRule(tx, ruleCatalog, by.tenantId, ruleId)
      }

    app.post(
      '/v1/rules',
      {
        config: { scope: 'write', idempotent: true },
        schema: {
          operationId: 'createRule',
          summary: 'A new rule; every account is evaluated by it at once',
          tags: ['rules'],
          consumes: JSON_OR_YAML,
          body: ruleBodySchema,
          response: { 201: shownRuleSchema, ...errors(409, 422) },
        },
      },
      async (request, reply) => {
        const { body, principal } = request
        const document = readRule(body).document
        const { tenantId } = principal
        const create = change(principal, document.id, 'rule.created', async (tx) => {
          const stored = await storedRule(tx, tenantId, document.id)
          if (ruleCatalog.shipped.has(document.id) || (stored && !stored.deleted))
            throw new RequestError(409, 'rule_exists', 'There is a rule of this id; change it with PUT', [
              { pointer: '/id', code: 'exists', detail: 'In use' },
            ])
          await assertRoom(tx, { tenantId, kind: 'rules' }, () => countRules(tx, tenantId))
          await saveRule(tx, { tenantId, document, deleted: false, at: clock.now() })
          return { document }
        })
        return idempotentReply({ request, reply, status: 201 }, create)
      },
    )
    app.put(
      '/v1/rules/:ruleId',
      {
        config: { scope: 'write' },
        schema: {
          operationId: 'changeRule',
          summary: 'Replaces a rule; `enabled: false` switches it off and ends its alerts',
          tags: ['rules'],
          params: ruleParams,
          consumes: JSON_OR_YAML,
          body: ruleBodySchema,
          response: { 200: shownRuleSchema, ...errors(404, 422) },
        },
      },
      async ({ params, body, principal }) => {
        const { ruleId } = params
        const { origin: _, ...changed } = body
        const document = readRule({ id: ruleId, ...changed }).document
        if (document.id !== ruleId)
          throw new RequestError(422, 'invalid_rule', 'The rule is not valid', [
            { pointer: '/id', code: 'other_id', detail: 'The id of a rule never changes' },
          ])
        const save = change(principal, ruleId, 'rule.changed', async (tx) => {
          if (!(await showRule(tx, ruleCatalog, principal.tenantId, ruleId))) throw notFound('rule')
          await saveRule(tx, { tenantId: principal.tenantId, document, deleted: false, at: clock.now() })
          return { document }
        })
        return (await database.transaction(save))!
      },
    )
    app.delete(
      '/v1/rules/:ruleId',
      {
        config: { scope: 'write' },
        schema: {
          operationId: 'deleteRule',
          summary: 'Deletes an own rule and ends its alerts; a changed shipped rule is as shipped again',
          tags: ['rules'],
          params: ruleParams,
          response: { 204: z.null().describe('Deleted'), ...errors(404, 409) },
        },
      },
      async ({ params, principal }, reply) => {
        const { ruleId } = params
        const { tenantId } = principal
        const remove = change(principal, ruleId, 'rule.deleted', async (tx) => {
          const stored = await storedRule(tx, tenantId, ruleId)
          if (stored && !stored.deleted) {
            if (ruleCatalog.shipped.has(ruleId)) await removeRule(tx, tenantId, ruleId)
            else await saveRule(tx, { tenantId, document: stored.document, deleted: true, at: clock.now() })
            return {}
          }
          if (!ruleCatalog.shipped.has(ruleId)) throw notFound('rule')
          throw new RequestError(409, 'shipped_rule', 'A shipped rule is switched off by PUT with enabled: false')
        })
        await database.transaction(remove)
        return reply.code(204).send(null)
      },
    )
  })
