import type { Batch } from '#libs/bus/bus.ts'
import { counter, gauge, histogram, type Registry } from '#libs/runtime/metrics.ts'

export type ScoringMetrics = {
  readonly observeFlush: (flush: {
    batches: readonly Batch[]
    events: number
    duplicates: number
    /** By reason, records that neither count nor become dead letters. */
    leftOut: ReadonlyMap<string, number>
    now: number
  }) => void
  readonly watch: (sources: {
    cachedAccounts: () => number
    lag: () => Promise<number>
    unrelayed: () => Promise<number>
    formerStates: () => Promise<number>
  }) => void
}

export const createScoringMetrics = (registry: Registry): ScoringMetrics => {
  const events = counter(registry, { name: 'pulso_scoring_events_total', help: 'Events read', labelNames: ['outcome'] })
  const leftOutRecords = counter(registry, {
    name: 'pulso_scoring_records_left_out_total',
    help: 'Records of deleted tenants, and commands that no process of this installation made',
    labelNames: ['reason'],
  })
  const batchSize = histogram(registry, {
    name: 'pulso_scoring_batch_records',
    help: 'Records of a flush',
    buckets: [1, 10, 100, 1_000, 10_000, 50_000],
  })
  const latency = histogram(registry, {
    name: 'pulso_scoring_event_to_score_seconds',
    help: 'From the record on the topic to the score in the database, the newest record of each flush',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
  })
  return {
    observeFlush: ({ batches, events: read, duplicates, leftOut, now }) => {
      events.inc({ outcome: 'counted' }, read - duplicates)
      events.inc({ outcome: 'duplicate' }, duplicates)
      for (const [reason, records] of leftOut) leftOutRecords.inc({ reason }, records)
      batchSize.observe(batches.reduce((sum, batch) => sum + batch.records.length, 0))
      latency.observe(Math.max(0, now - batches.at(-1)!.records.at(-1)!.timestampMs) / 1_000)
    },
    watch: ({ cachedAccounts, lag, unrelayed, formerStates }) => {
      const sampled = (name: string, help: string, read: () => number | Promise<number>): void => {
        gauge(registry, {
          name,
          help,
          async collect() {
            // A failing dependency costs its own figure, not the other figures.
            await Promise.resolve(read()).then(
              (value) => (this as unknown as { set: (value: number) => void }).set(value),
              () => {},
            )
          },
        })
      }
      sampled('pulso_scoring_cached_accounts', 'Accounts in memory', cachedAccounts)
      sampled('pulso_scoring_lag_records', 'Records of usage.events not yet scored by this process', lag)
      sampled('pulso_scoring_outbox_age_seconds', 'Age of the oldest change not yet on account.health', unrelayed)
      sampled('pulso_scoring_former_states', 'Accounts to bring to the layout of this release first', formerStates)
    },
  }
}
