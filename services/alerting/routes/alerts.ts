import { z } from 'zod'
import { recordAudit } from '#libs/access/audit-store.ts'
import type { Principal } from '#libs/access/keyring.ts'
import { cursorInstant, decodeCursor, pageOf, pageQuery, pageSchema } from '#libs/http/pages.ts'
import { errors, notFound } from '#libs/http/problems/problem.ts'
import { routes } from '#libs/http/routes.ts'
import type { Database } from '#libs/postgres/database.ts'
import { type Clock, toInstant } from '#libs/runtime/clock.ts'
import { RequestError } from '#libs/runtime/errors.ts'
import { parseInstant } from '#libs/time/instant.ts'
import { findAlert, listAlerts, transitionsOf } from '../alerts/alert-queries.ts'
import type { OperatorAction } from '../core/alert/operator-action.ts'
import { applyOperatorAction } from '../evaluation/apply-operator-action.ts'
import type { RuleCatalog } from '../rules/rule-store.ts'
import { ALERT_STATES, alertDetailSchema, alertSchema, toAlert, toAlertDetail } from './alert-schemas.ts'

export type AlertRoutesDeps = {
  readonly database: Database
  readonly clock: Clock
  readonly ruleCatalog: RuleCatalog
  /** Called after a commit that may have enqueued notifications. */
  readonly onCommit: () => void
}

const params = z.object({ alertId: z.uuid().meta({ examples: ['0f0c7a52-52a8-5a30-a3ab-2a8f0d9c2b11'] }) })
const cursorSchema = z.object({ openedAt: cursorInstant, alertId: z.uuid() })
const querySchema = z.object({
  ...pageQuery,
  state: z.enum(ALERT_STATES).optional(),
  accountId: z.string().max(256).optional(),
  ruleId: z.string().max(64).optional(),
  owner: z.string().max(256).optional(),
})

export const alertRoutes = ({ database, clock, ruleCatalog, onCommit }: AlertRoutesDeps) =>
  routes((app) => {
    const detailOf = async (tenantId: string, alertId: string) => {
      const alert = await findAlert(database, tenantId, alertId)
      if (!alert) throw notFound('alert')
      return toAlertDetail(alert, await transitionsOf(database, alertId))
    }
    const act = async (by: Principal, alertId: string, action: OperatorAction) => {
      const detail = action.do === 'snooze' ? { until: toInstant(action.until) } : {}
      await database.transaction(async (tx) => {
        const at = clock.now()
        const outcome = await applyOperatorAction(tx, ruleCatalog, {
          tenantId: by.tenantId,
          alertId,
          action,
          actor: by.name,
          at,
        })
        if (!outcome.done && outcome.reason === 'no_such_alert') throw notFound('alert')
        if (!outcome.done) throw new RequestError(409, 'alert_not_open', 'The alert is resolved')
        await recordAudit(tx, by, { action: `alert.${action.do}`, subject: alertId, detail })
      })
      onCommit()
      return detailOf(by.tenantId, alertId)
    }

    app.get(
      '/v1/alerts',
      {
        config: { scope: 'read' },
        schema: {
          operationId: 'listAlerts',
          summary: 'Alerts, newest first',
          tags: ['alerts'],
          querystring: querySchema,
          response: { 200: pageSchema(alertSchema) },
        },
      },
      async ({ query, principal }) => {
        const rows = await listAlerts(database, principal.tenantId, {
          state: query.state ?? null,
          accountId: query.accountId ?? null,
          ruleId: query.ruleId ?? null,
          owner: query.owner ?? null,
          limit: query.limit,
          before: decodeCursor(cursorSchema, query.cursor) ?? null,
        })
        return pageOf(rows, query.limit, toAlert, ({ openedAt, alertId }) => ({ openedAt, alertId }))
      },
    )
    app.get(
      '/v1/alerts/:alertId',
      {
        config: { scope: 'read' },
        schema: {
          operationId: 'getAlert',
          summary: 'One alert with its transitions and evidence',
          tags: ['alerts'],
          params,
          response: { 200: alertDetailSchema, ...errors(404) },
        },
      },
      async ({ params, principal }) => detailOf(principal.tenantId, params.alertId),
    )
    app.post(
      '/v1/alerts/:alertId/acknowledge',
      {
        config: { scope: 'write' },
        schema: {
          operationId: 'acknowledgeAlert',
          summary: 'Somebody takes care of the alert: no more reminders',
          tags: ['alerts'],
          params,
          response: { 200: alertDetailSchema, ...errors(404, 409) },
        },
      },
      async ({ params, principal }) => act(principal, params.alertId, { do: 'acknowledge' }),
    )
    app.post(
      '/v1/alerts/:alertId/snooze',
      {
        config: { scope: 'write' },
        schema: {
          operationId: 'snoozeAlert',
          summary: 'Mutes the alert until then; if it still fires, it notifies again',
          tags: ['alerts'],
          params,
          body: z
            .object({ until: z.iso.datetime({ offset: true }) })
            .meta({ examples: [{ until: '2026-11-25T08:00:00.000Z' }] }),
          response: { 200: alertDetailSchema, ...errors(404, 409, 422) },
        },
      },
      async ({ params, principal, body }) => {
        const until = parseInstant(body.until)
        if (until <= clock.now())
          throw new RequestError(422, 'invalid_request', 'The request body is not valid', [
            { pointer: '/until', code: 'in_the_past', detail: 'The snooze would be over already' },
          ])
        return act(principal, params.alertId, { do: 'snooze', until })
      },
    )
    app.post(
      '/v1/alerts/:alertId/resolve',
      {
        config: { scope: 'write' },
        schema: {
          operationId: 'resolveAlert',
          summary: 'Closes the alert by hand; only a recovery and a new crossing open another',
          tags: ['alerts'],
          params,
          response: { 200: alertDetailSchema, ...errors(404, 409) },
        },
      },
      async ({ params, principal }) => act(principal, params.alertId, { do: 'resolve' }),
    )
  })
