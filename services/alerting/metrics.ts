import { counter, histogram, type Registry } from '#libs/runtime/metrics.ts'

export type AlertingMetrics = {
  readonly evaluated: (batch: {
    readonly changes: number
    readonly stale: number
    readonly transitions: number
    readonly tookMs: number
  }) => void
  readonly timers: (accounts: number) => void
}

export const createAlertingMetrics = (registry: Registry): AlertingMetrics => {
  const changes = counter(registry, {
    name: 'pulso_alerting_changes_total',
    help: 'Changes of accounts read',
    labelNames: ['outcome'],
  })
  const transitions = counter(registry, {
    name: 'pulso_alerting_transitions_total',
    help: 'Transitions of alerts written',
  })
  const timers = counter(registry, {
    name: 'pulso_alerting_timers_total',
    help: 'Accounts evaluated because time has passed',
  })
  const batchSize = histogram(registry, {
    name: 'pulso_alerting_batch_changes',
    help: 'Changes evaluated in one transaction',
    buckets: [1, 3, 10, 30, 100, 300, 1_000],
  })
  const duration = histogram(registry, {
    name: 'pulso_alerting_batch_seconds',
    help: 'Time from a batch to its commit',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
  })
  return {
    evaluated: (batch) => {
      changes.inc({ outcome: 'judged' }, batch.changes - batch.stale)
      changes.inc({ outcome: 'stale' }, batch.stale)
      transitions.inc(batch.transitions)
      batchSize.observe(batch.changes)
      duration.observe(batch.tookMs / 1_000)
    },
    timers: (accounts) => timers.inc(accounts),
  }
}
