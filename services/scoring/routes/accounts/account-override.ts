import { z } from 'zod'
import { errors } from '#libs/http/problems/problem.ts'
import { routes } from '#libs/http/routes.ts'
import { type Clock, toInstant } from '#libs/runtime/clock.ts'
import { DAY_MS } from '#libs/runtime/durations.ts'
import { RequestError } from '#libs/runtime/errors.ts'
import { parseInstant } from '#libs/time/instant.ts'
import { applyCause } from '../../core/account/apply-events.ts'
import type { Override } from '../../core/evaluation/evaluation.ts'
import { round4 } from '../../core/largest-remainder.ts'
import type { AccountCommand, ApplyCommand } from '../../flush/apply-command.ts'
import { accountParams } from './account-params.ts'

const EXAMPLE = { score: 40, reason: 'The sponsor told us they are leaving', expiresAt: '2027-01-31T00:00:00.000Z' }

const newOverrideSchema = z
  .object({
    score: z.number().min(0).max(100),
    reason: z.string().trim().min(1).max(1_000),
    expiresAt: z.iso
      .datetime({ offset: true })
      .optional()
      .describe('Default: in 90 days; in 30 days for values up to 10 or from 90'),
  })
  .meta({ examples: [EXAMPLE] })

export const overrideSchema = z
  .object({
    score: z.number(),
    reason: z.string(),
    author: z.string(),
    setAt: z.iso.datetime(),
    expiresAt: z.iso.datetime(),
  })
  .meta({ examples: [{ ...EXAMPLE, author: 'cs-ops', setAt: '2026-11-24T10:00:00.000Z' }] })

/** An extreme value expires sooner. */
const defaultDays = (score: number): number => (score <= 10 || score >= 90 ? 30 : 90)

/** Sets the override, or removes it (null): a change with cause `override`. */
const overriding = (override: Override | null): AccountCommand => ({
  apply: (account, context) => {
    account.override = override
    return [applyCause(account, 'override', context)]
  },
  audit: override === null ? { action: 'override.removed' } : { action: 'override.set', detail: { ...override } },
})

export const accountOverrideRoutes = ({
  clock,
  applyCommand,
}: {
  readonly clock: Clock
  readonly applyCommand: ApplyCommand
}) =>
  routes((app) => {
    app.put(
      '/v1/accounts/:accountId/override',
      {
        config: { scope: 'write' },
        schema: {
          operationId: 'setOverride',
          summary: 'Replaces the computed score by a person’s, until it expires',
          tags: ['accounts'],
          params: accountParams,
          body: newOverrideSchema,
          response: { 200: overrideSchema, ...errors(404, 422) },
        },
      },
      async ({ params, body, principal }) => {
        const now = clock.now()
        const expiresAt =
          body.expiresAt === undefined ? now + defaultDays(body.score) * DAY_MS : parseInstant(body.expiresAt)
        if (expiresAt <= now) {
          throw new RequestError(422, 'invalid_request', 'The request body is not valid', [
            { pointer: '/expiresAt', code: 'in_the_past', detail: 'must be an instant after now' },
          ])
        }
        const override = {
          score: round4(body.score),
          reason: body.reason,
          author: principal.name,
          setAt: now,
          expiresAt,
        }
        await applyCommand(principal, params.accountId, overriding(override))
        return { ...override, setAt: toInstant(now), expiresAt: toInstant(expiresAt) }
      },
    )
    app.delete(
      '/v1/accounts/:accountId/override',
      {
        config: { scope: 'write' },
        schema: {
          operationId: 'removeOverride',
          summary: 'Removes the override: the computed score counts again',
          tags: ['accounts'],
          params: accountParams,
          response: { 204: z.null(), ...errors(404) },
        },
      },
      async ({ params, principal }, reply) => {
        await applyCommand(principal, params.accountId, overriding(null))
        return reply.code(204).send(null)
      },
    )
  })
