import type { Bus } from '#libs/bus/bus.ts'
import { createKafkaBus } from '#libs/bus/kafka/bus.ts'
import { BUS_MIGRATIONS, BUS_SCHEMA, createPostgresBus } from '#libs/bus/postgres/bus.ts'
import { migrate } from '#libs/postgres/migrate.ts'
import { createDatabase } from '#libs/postgres/pg-database.ts'
import { systemClock } from '#libs/runtime/clock.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'

/** How to reach a log, as text: a child process is told the same. */
export type BusAddress =
  | { readonly kind: 'kafka'; readonly brokers: string; readonly topicPrefix: string }
  | { readonly kind: 'postgres'; readonly connectionString: string }

export type OpenBus = { readonly bus: Bus; readonly close: () => Promise<void> }

const shared = { clock: systemClock, logger: silentLogger }

const openPostgresBus = async (connectionString: string): Promise<OpenBus> => {
  await migrate({ connectionString, schema: BUS_SCHEMA, folder: BUS_MIGRATIONS, logger: silentLogger })
  const database = createDatabase({ connectionString, logger: silentLogger })
  await database.start()
  const bus = createPostgresBus({ ...shared, database, metrics: createMetrics() })
  await bus.start()
  return {
    bus,
    close: async () => {
      await bus.stop()
      await database.stop()
    },
  }
}

/**
 * A started bus on the log of that address. Members are missed after 6 s, the least that a broker
 * allows by default.
 */
export const openTestBus = async (address: BusAddress): Promise<OpenBus> => {
  if (address.kind === 'postgres') return openPostgresBus(address.connectionString)
  const bus = createKafkaBus({
    ...shared,
    brokers: address.brokers.split(','),
    topicPrefix: address.topicPrefix,
    clientId: 'pulso-test',
    sessionTimeoutMs: 6_000,
    metrics: createMetrics(),
  })
  await bus.start()
  return { bus, close: bus.stop }
}
