import { counter, histogram, type Registry } from '#libs/runtime/metrics.ts'
import type { Tried } from './attempt-delivery.ts'

/** Counts tries by what became of their delivery, and how long the receivers took. */
export const deliveryMetrics = (registry: Registry): ((tried: Tried) => void) => {
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
  return ({ record, result }) => {
    tries.inc({ state: record.state })
    latency.observe(result.latencyMs / 1_000)
  }
}
