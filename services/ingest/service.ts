import { createRecordSigner } from '#libs/access/record-signer.ts'
import type { Platform, Service, ServiceDefinition } from '#libs/runtime/service.ts'
import { createAcceptEvents } from './acceptance/accept-events.ts'
import { type CheckItem, createCheckItem } from './acceptance/check-item.ts'
import { createRecentlyAccepted } from './acceptance/recently-accepted.ts'
import { type IngestConfig, ingestConfigSchema } from './config.ts'
import { createIngestMetrics } from './metrics.ts'
import { allowOrigins } from './routes/cross-origin.ts'
import { eventRoutes } from './routes/event-routes.ts'
import { posthogRoutes } from './routes/posthog-routes.ts'
import { segmentRoutes } from './routes/segment-routes.ts'

export type IngestOptions = {
  /** For a benchmark of the cost of the checks. */
  readonly checkItem?: CheckItem
}

/** Accepts events over HTTP and publishes them on `usage.events`. Keeps no state of its own. */
export const createIngest = (platform: Platform, config: IngestConfig, options: IngestOptions = {}): Service => {
  const { bus, clock, keyring } = platform
  const { encryptionKey, formerEncryptionKeys } = platform.settings
  const accept = createAcceptEvents({
    bus,
    clock,
    metrics: createIngestMetrics(platform.metrics, clock),
    recentlyAccepted: createRecentlyAccepted(config.PULSO_INGEST_RECENT_IDS),
    signer: createRecordSigner(encryptionKey, formerEncryptionKeys),
    checkItem: options.checkItem ?? createCheckItem({ retentionDays: config.PULSO_RETENTION_DAYS }),
  })
  return {
    name: 'ingest',
    topics: ['usage.events'],
    routes: async (app) => {
      allowOrigins(app, config.PULSO_CORS_ORIGINS, clock)
      await app.register(eventRoutes({ accept }))
      await app.register(segmentRoutes({ accept, keyring }))
      await app.register(posthogRoutes({ accept, keyring }))
    },
    start: async () => {},
    stop: async () => {},
  }
}

export const ingest: ServiceDefinition<IngestConfig> = {
  name: 'ingest',
  config: ingestConfigSchema,
  create: (platform, config) => createIngest(platform, config),
}
