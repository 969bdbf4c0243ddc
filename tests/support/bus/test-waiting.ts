import { createBusMetrics } from '#libs/bus/bus-metrics.ts'
import { createWaitingPartitions } from '#libs/bus/waiting-partitions.ts'
import { type Clock, systemClock } from '#libs/runtime/clock.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'

/** The waiting partitions of a worker alone, with a metric that nobody reads. */
export const createTestWaiting = (clock: Clock = systemClock) =>
  createWaitingPartitions({ clock, gauge: createBusMetrics(createMetrics()).waiting })
