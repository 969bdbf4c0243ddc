import type { Registry } from 'prom-client'
import { z } from 'zod'
import type { Clock } from '#libs/runtime/clock.ts'
import type { Checks } from '#libs/runtime/service.ts'
import { holdAnswer } from './hold-answer.ts'
import { errors } from './problems/problem.ts'
import { routes } from './routes.ts'

const CHECK_TIMEOUT_MS = 2_000
/** Anybody may ask: the dependencies are asked once a second at most. */
const HOLD_MS = 1_000

const aliveSchema = z.object({ status: z.enum(['alive', 'stuck']) }).meta({ examples: [{ status: 'alive' }] })
const readySchema = z
  .object({ status: z.enum(['ready', 'not_ready']), checks: z.record(z.string(), z.enum(['up', 'down'])) })
  .meta({ examples: [{ status: 'ready', checks: { database: 'up', bus: 'up' } }] })

const runCheck = (clock: Clock, check: () => Promise<unknown>): Promise<'up' | 'down'> =>
  new Promise((resolve) => {
    const cancel = clock.after(CHECK_TIMEOUT_MS, () => resolve('down'))
    const settle = (state: 'up' | 'down') => () => {
      cancel()
      resolve(state)
    }
    Promise.resolve().then(check).then(settle('up'), settle('down'))
  })

export type OperationsDeps = {
  readonly metrics: Registry
  readonly checks: Checks
  readonly clock: Clock
  /** Names of work that hangs: only a restart of the process ends it. */
  readonly stuck: () => readonly string[]
}

/** Liveness, readiness and metrics. They need no key and show a stranger no detail. */
export const operationsRoutes = ({ metrics, checks, clock, stuck }: OperationsDeps) =>
  routes((app) => {
    const states = holdAnswer(HOLD_MS, () =>
      Promise.all(Object.entries(checks).map(async ([name, check]) => [name, await runCheck(clock, check)] as const)),
    )
    const figures = holdAnswer(HOLD_MS, () => metrics.metrics())
    app.get(
      '/livez',
      {
        config: { scope: 'public' },
        schema: {
          operationId: 'getLiveness',
          summary: 'Is the process alive: 503 when work hangs that only a restart can end',
          tags: ['operations'],
          response: { 200: aliveSchema, 503: aliveSchema },
        },
      },
      async (request, reply) => {
        const work = stuck()
        if (work.length === 0) return { status: 'alive' as const }
        request.log.error({ work }, 'work does not end, the process needs a restart')
        return reply.code(503).send({ status: 'stuck' as const })
      },
    )
    app.get(
      '/readyz',
      {
        config: { scope: 'public' },
        schema: {
          operationId: 'getReadiness',
          summary: 'Can the process do its work: each dependency by name',
          tags: ['operations'],
          response: { 200: readySchema, 503: readySchema },
        },
      },
      async (_request, reply) => {
        const entries = await states()
        const ready = entries.every(([, state]) => state === 'up')
        const answer = {
          status: ready ? ('ready' as const) : ('not_ready' as const),
          checks: Object.fromEntries(entries),
        }
        return ready ? answer : reply.code(503).header('retry-after', '5').send(answer)
      },
    )
    app.get(
      '/metrics',
      {
        config: { scope: 'public' },
        schema: {
          operationId: 'getMetrics',
          summary: 'Figures in Prometheus text format',
          tags: ['operations'],
          response: {
            200: {
              description: 'Prometheus exposition',
              content: { 'text/plain': { schema: z.string().meta({ examples: ['process_cpu_seconds_total 1.5'] }) } },
            },
            ...errors(500),
          },
        },
      },
      async (_request, reply) => reply.type(metrics.contentType).send(await figures()),
    )
  })
