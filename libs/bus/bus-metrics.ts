import { Counter, counter, Gauge, gauge, Histogram, histogram, type Registry } from '#libs/runtime/metrics.ts'

export type BusMetrics = {
  readonly published: Counter
  readonly publishSeconds: Histogram
  readonly consumed: Counter
  readonly deadLettered: Counter
  readonly lag: Gauge
  readonly waiting: Gauge
  readonly outOfRange: Counter
  readonly consumerRestarts: Counter
  readonly rewinds: Counter
  readonly newer: Counter
}

/** The metrics of every bus adapter; buses that share a registry share them. */
export const createBusMetrics = (registry: Registry): BusMetrics => {
  const known = <Kind>(kind: new (...args: never[]) => Kind, name: string, create: () => Kind): Kind => {
    const metric = registry.getSingleMetric(name)
    return metric instanceof kind ? metric : create()
  }
  const count = (name: string, help: string, labelNames: readonly string[]): Counter =>
    known(Counter, name, () => counter(registry, { name, help, labelNames }))
  return {
    published: count('pulso_bus_published_records_total', 'Records acknowledged by the log', ['topic']),
    publishSeconds: known(Histogram, 'pulso_bus_publish_seconds', () =>
      histogram(registry, {
        name: 'pulso_bus_publish_seconds',
        help: 'From publish to the acknowledgement',
        labelNames: ['topic'],
        buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30],
      }),
    ),
    consumed: count('pulso_bus_consumed_records_total', 'Records whose handling is durable', ['topic', 'group']),
    deadLettered: count('pulso_bus_parked_records_total', 'Records put on the dead-letter topic', ['topic', 'group']),
    lag: known(Gauge, 'pulso_bus_lag_records', () =>
      gauge(registry, {
        name: 'pulso_bus_lag_records',
        help: 'Records behind the end of the log, over the partitions of this member',
        labelNames: ['topic', 'group'],
      }),
    ),
    waiting: known(Gauge, 'pulso_bus_waiting_partitions', () =>
      gauge(registry, {
        name: 'pulso_bus_waiting_partitions',
        help: 'Partitions held up by a dependency: nothing is lost, they go on when it is back',
        labelNames: ['topic', 'group'],
      }),
    ),
    outOfRange: count('pulso_bus_offset_out_of_range_total', 'Times a position was no longer in the log', []),
    rewinds: count('pulso_bus_rewinds_total', 'Times the database of a reader was behind the log', ['topic', 'group']),
    newer: count('pulso_bus_newer_records_total', 'Records read that a newer release wrote', ['topic', 'group']),
    consumerRestarts: count('pulso_bus_consumer_restarts_total', 'Consumers replaced after a crash', [
      'topic',
      'group',
    ]),
  }
}
