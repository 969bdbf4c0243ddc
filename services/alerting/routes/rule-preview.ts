import { z } from 'zod'
import { createWorkSlots } from '#libs/http/limits/work-slots.ts'
import { errors } from '#libs/http/problems/problem.ts'
import { routes } from '#libs/http/routes.ts'
import { acceptYaml, JSON_OR_YAML } from '#libs/http/yaml-body.ts'
import type { Database } from '#libs/postgres/database.ts'
import { type Clock, toInstant } from '#libs/runtime/clock.ts'
import { HOUR_MS } from '#libs/runtime/durations.ts'
import { RequestError } from '#libs/runtime/errors.ts'
import { type Preview, previewRule } from '../rules/preview-rule.ts'
import { readRule, ruleBodySchema } from './rule-body.ts'

const hours = z.number().describe('At most 2 decimals')
const instant = z.iso.datetime()

const previewSchema = z
  .object({
    from: instant,
    until: instant,
    recordedFrom: instant.nullable().describe('Oldest replayed change'),
    judgedFrom: instant.describe('From here on the history reaches back as far as the rule looks'),
    accounts: z.int().describe('All accounts'),
    replayed: z.int().describe('Accounts that were replayed'),
    sampled: z.boolean().describe('True when time ran out: a random part of the accounts was replayed'),
    changes: z.int().describe('Replayed changes'),
    fired: z.int().describe('Alerts it would have raised'),
    told: z.int().describe('Of these, alerts with a notification'),
    accountsFired: z.int(),
    accountsFiredMoreThanThreeTimes: z.int(),
    openNow: z.int().describe('Of these, alerts that are open now'),
    alreadyOpen: z.int().describe('Accounts with an alert that opened before `from`, or by a backfill'),
    openHours: z
      .object({ median: hours, p90: hours, longest: hours })
      .nullable()
      .describe('Per alert; an open one up to now'),
    estimate: z
      .object({ fired: z.int(), told: z.int(), accountsFired: z.int(), accountsFiredMoreThanThreeTimes: z.int() })
      .nullable()
      .describe('When sampled: the figures scaled to all accounts'),
    mostFired: z
      .array(
        z.object({
          accountId: z.string(),
          fired: z.int(),
          told: z.int(),
          openHours: hours.describe('Sum over its alerts'),
          openNow: z.boolean(),
          lastFiredAt: instant,
        }),
      )
      .describe('Accounts at which it fired most, at most `limit`'),
  })
  .meta({
    examples: [
      {
        from: '2026-08-24T10:00:00.000Z',
        until: '2026-11-22T10:00:00.000Z',
        recordedFrom: '2026-08-17T03:12:45.120Z',
        judgedFrom: '2026-08-24T10:00:00.000Z',
        accounts: 1200,
        replayed: 1200,
        sampled: false,
        changes: 96000,
        fired: 41,
        told: 39,
        accountsFired: 12,
        accountsFiredMoreThanThreeTimes: 9,
        openNow: 4,
        alreadyOpen: 2,
        openHours: { median: 52.5, p90: 310, longest: 812.25 },
        estimate: null,
        mostFired: [
          {
            accountId: 'acme',
            fired: 5,
            told: 4,
            openHours: 402.5,
            openNow: true,
            lastFiredAt: '2026-11-20T08:30:00.000Z',
          },
        ],
      },
    ],
  })

const querySchema = z.object({
  days: z.coerce
    .number()
    .int()
    .min(1)
    .max(400)
    .default(90)
    .describe('How far back; PULSO_PREVIEW_DAYS is the length of the history'),
  limit: z.coerce.number().int().min(1).max(500).default(50).describe('Accounts listed'),
})

/** They share the process with live evaluation, and none waits. */
const PREVIEWS = { perTenant: 2, inAll: 4, waitingPerTenant: 0, waitingInAll: 0 }

export const rulePreviewRoutes = (deps: { readonly database: Database; readonly clock: Clock }) =>
  routes((app) => {
    acceptYaml(app)
    const inSlot = createWorkSlots(deps.clock, PREVIEWS)
    app.post(
      '/v1/rules/preview',
      {
        config: { scope: 'read' },
        schema: {
          operationId: 'previewRule',
          summary: 'What a rule would have done: replays past changes, saves nothing, notifies nobody',
          tags: ['rules'],
          querystring: querySchema,
          consumes: JSON_OR_YAML,
          body: ruleBodySchema,
          response: { 200: previewSchema, ...errors(422, 429) },
        },
      },
      async ({ body, query, principal }) => {
        const { rule } = readRule(body)
        if (rule.about.kind !== 'account')
          throw new RequestError(422, 'invalid_rule', 'The rule cannot be previewed', [
            {
              pointer: rule.about.kind === 'source' ? '/quietSource' : '/quietAccounts',
              code: 'not_recorded',
              detail: 'Only rules about accounts have a history to replay',
            },
          ])
        const request = { tenantId: principal.tenantId, rule, ...query }
        return inSlot(principal.tenantId, async () => toAnswer(await previewRule(deps, request)))
      },
    )
  })

const toHours = (ms: number): number => Math.round((ms / HOUR_MS) * 100) / 100

const toAnswer = ({ openMs, mostFired, ...preview }: Preview): z.infer<typeof previewSchema> => {
  const { from, until, recordedFrom, judgedFrom, accounts, replayed } = preview
  const sampled = replayed < accounts
  const scaled = (count: number): number => Math.round((count * accounts) / Math.max(1, replayed))
  return {
    ...preview,
    from: toInstant(from),
    until: toInstant(until),
    recordedFrom: recordedFrom === null ? null : toInstant(recordedFrom),
    judgedFrom: toInstant(judgedFrom),
    sampled,
    openHours: openMs && {
      median: toHours(openMs.median),
      p90: toHours(openMs.p90),
      longest: toHours(openMs.longest),
    },
    estimate: sampled
      ? {
          fired: scaled(preview.fired),
          told: scaled(preview.told),
          accountsFired: scaled(preview.accountsFired),
          accountsFiredMoreThanThreeTimes: scaled(preview.accountsFiredMoreThanThreeTimes),
        }
      : null,
    mostFired: mostFired.map(({ openMs: open, lastFiredAt, ...account }) => ({
      ...account,
      openHours: toHours(open),
      lastFiredAt: toInstant(lastFiredAt),
    })),
  }
}
