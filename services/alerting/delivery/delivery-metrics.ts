import { counter, histogram, type Registry } from '#libs/runtime/metrics.ts'
import type { AttemptOutcome } from './attempt-delivery.ts'

export const deliveryMetrics = (registry: Registry): ((outcome: AttemptOutcome) => void) => {
  const tries = counter(registry, {
    name: 'pulso_alerting_webhook_tries_total',
    help: 'Webhook calls by the state they left the delivery in',
    labelNames: ['state'],
  })
  const latency = histogram(registry, {
    name: 'pulso_alerting_webhook_call_seconds',
    help: 'Duration of webhook calls',
    buckets: [0.005, 0.02, 0.1, 0.5, 1, 2, 5, 15],
  })
  return ({ update, result }) => {
    tries.inc({ state: update.state })
    latency.observe(result.latencyMs / 1_000)
  }
}
