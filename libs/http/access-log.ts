import type { FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'
import { histogram } from '#libs/runtime/metrics.ts'

/** One line and one observation per request, by the route's pattern: no ids, queries or headers. */
export const observeRequests = (app: FastifyInstance, metrics: Registry): void => {
  const seconds = histogram(metrics, {
    name: 'pulso_http_request_duration_seconds',
    help: 'Time from request to answer',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  })
  app.addHook('onSend', (request, reply, _payload, done) => {
    reply.header('x-request-id', request.id)
    done()
  })
  app.addHook('onResponse', (request, reply, done) => {
    const { method } = request
    const route = request.is404 ? 'unknown' : (request.routeOptions.url ?? 'unknown')
    const status = reply.statusCode
    seconds.observe({ method, route, status: String(status) }, reply.elapsedTime / 1000)
    const level = status >= 500 ? 'warn' : status >= 400 ? 'info' : 'debug'
    const principal = request.principal as typeof request.principal | null
    request.log[level](
      {
        method,
        route,
        status,
        tookMs: Math.round(reply.elapsedTime),
        tenantId: principal?.tenantId,
        keyId: principal?.keyId,
      },
      'request answered',
    )
    done()
  })
}
