import { createPostgresBus } from '#libs/bus/postgres/bus.ts'
import { accountKey } from '#libs/contracts/topics.ts'
import { type Clock, systemClock, toInstant } from '#libs/runtime/clock.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import type { Platform } from '#libs/runtime/service.ts'
import { alertingConfigSchema } from '../../../services/alerting/config.ts'
import { createAlerting } from '../../../services/alerting/service.ts'
import { scoringConfigSchema } from '../../../services/scoring/config.ts'
import { createScoring } from '../../../services/scoring/service.ts'
import { createTestPlatform, type TestPlatform } from '../processes/platform.ts'
import { createRoutesClient, type RoutesClient } from '../routes-client.ts'
import { testSigner } from './usage-signer.ts'

/** One process's worth of scoring and alerting, on a log and a database that others may share. */
export type Replica = { readonly api: RoutesClient; readonly alerts: RoutesClient; readonly stop: () => Promise<void> }

export type Shared = {
  readonly test: TestPlatform
  /** `given` is what this process has of its own. */
  readonly startReplica: (given?: Partial<Platform>) => Promise<Replica>
  readonly publish: (
    records: readonly {
      accountId: string
      kind: 'event' | 'evaluate'
      body: object & { readonly receivedAt?: string }
    }[],
  ) => Promise<void>
  /** Stops the replicas that still run, then everything. */
  readonly stop: () => Promise<void>
}

/**
 * A database and a log, on which any number of replicas of scoring with alerting run by `clock`.
 * The log keeps real time.
 */
export const createShared = async (clock: Clock): Promise<Shared> => {
  const test = await createTestPlatform({ clock })
  const running = new Set<Replica>()

  const startReplica = async (given: Partial<Platform> = {}): Promise<Replica> => {
    const metrics = createMetrics()
    const bus = createPostgresBus({ ...test.platform, clock: systemClock, metrics })
    const platform: Platform = { ...test.platform, ...given, bus, metrics }
    const services = [
      createScoring(platform, scoringConfigSchema.parse({})),
      createAlerting(platform, alertingConfigSchema.parse({})),
    ] as const
    for (const service of services) await test.prepare(service)
    await bus.start()
    for (const service of services) await service.start()
    // The doors count requests in registries of their own.
    const [api, alerts] = await Promise.all(
      services.map((service) => createRoutesClient({ ...platform, metrics: createMetrics() }, service)),
    )
    const replica: Replica = {
      api: api!,
      alerts: alerts!,
      stop: async () => {
        running.delete(replica)
        await Promise.all([api!.close(), alerts!.close()])
        for (const service of services) await service.stop()
        await bus.stop()
      },
    }
    running.add(replica)
    return replica
  }

  return {
    test,
    startReplica,
    publish: (records) =>
      test.platform.bus.publish(
        'usage.events',
        records.map(({ accountId, kind, body }) => ({
          key: accountKey('default', accountId),
          headers: { kind, ...testSigner.sign(kind, 'default', Date.parse(body.receivedAt ?? toInstant(clock.now()))) },
          value: Buffer.from(JSON.stringify({ tenantId: 'default', accountId, ...body })),
        })),
      ),
    stop: async () => {
      for (const replica of running) await replica.stop()
      await test.stop()
    },
  }
}
