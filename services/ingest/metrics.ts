import type { Clock } from '#libs/runtime/clock.ts'
import { counter, histogram, type Registry } from '#libs/runtime/metrics.ts'

export type IngestMetrics = {
  readonly count: (verdicts: Readonly<Record<'accepted' | 'duplicate' | 'rejected', number>>) => void
  readonly timePublish: <T>(work: () => Promise<T>) => Promise<T>
}

export const createIngestMetrics = (registry: Registry, clock: Clock): IngestMetrics => {
  const events = counter(registry, {
    name: 'pulso_ingest_events_total',
    help: 'Events by verdict',
    labelNames: ['verdict'],
  })
  const publish = histogram(registry, {
    name: 'pulso_ingest_publish_seconds',
    help: 'Time until the log acknowledged a request’s events',
    labelNames: ['outcome'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
  })
  return {
    count: ({ accepted, duplicate, rejected }) => {
      events.inc({ verdict: 'accepted' }, accepted)
      events.inc({ verdict: 'duplicate' }, duplicate)
      events.inc({ verdict: 'rejected' }, rejected)
    },
    timePublish: async (work) => {
      const startedAt = clock.now()
      const observe = (outcome: string) => publish.observe({ outcome }, Math.max(0, clock.now() - startedAt) / 1000)
      try {
        const result = await work()
        observe('acknowledged')
        return result
      } catch (error) {
        observe('failed')
        throw error
      }
    },
  }
}
