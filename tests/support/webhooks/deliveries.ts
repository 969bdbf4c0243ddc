import { randomBytes } from 'node:crypto'
import { createSealer } from '#libs/access/seal-secret.ts'
import type { Database } from '#libs/postgres/database.ts'
import { systemClock } from '#libs/runtime/clock.ts'
import { derivedId, newId } from '#libs/runtime/ids.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { formatSecret } from '../../../services/alerting/core/delivery/sign-webhook.ts'
import { createDeliverer, type Deliverer, type DelivererDeps } from '../../../services/alerting/delivery/deliverer.ts'
import { parseAllowEntry } from '../../../services/alerting/endpoints/allowed-address.ts'
import {
  type EndpointSettings,
  insertEndpoint,
  type NewEndpoint,
} from '../../../services/alerting/endpoints/endpoint-store.ts'
import { createWebhookSender } from '../../../services/alerting/endpoints/http-sender.ts'
import { createUrlSeal, type StoredUrl } from '../../../services/alerting/endpoints/sealed-url.ts'
import { addSecret } from '../../../services/alerting/endpoints/secret-store.ts'
import { enqueueNotifications } from '../../../services/alerting/notifications/enqueue-deliveries.ts'
import type { Notification } from '../../../services/alerting/notifications/notification.ts'

export const TENANT = 'default'
export const testSealer = createSealer(Buffer.alloc(32, 7))
export const testUrls = createUrlSeal(testSealer, { seals: true })

/** What the guard lets through in tests: loopback only, over plain HTTP. */
export const LOOPBACK_RULES = { allow: [parseAllowEntry('127.0.0.1/32:*')!], allowHttp: true }

export const endpointSettings = (stored: StoredUrl, settings: Partial<EndpointSettings> = {}): EndpointSettings => ({
  kind: 'standard',
  ...stored,
  description: null,
  eventTypes: [],
  filter: {},
  maxPerSecond: null,
  ...settings,
})

/** An enabled endpoint with a fresh secret, its URL sealed. */
export const addEndpoint = async (
  database: Database,
  url: string,
  { tenantId = TENANT, verified = true, ...settings }: Partial<EndpointSettings & NewEndpoint> = {},
): Promise<{ endpointId: string; secret: string }> => {
  const endpointId = newId()
  const secret = randomBytes(32)
  const now = systemClock.now()
  await database.transaction(async (tx) => {
    const stored = testUrls.store(url, endpointId)
    await insertEndpoint(tx, { tenantId, endpointId, verified, now }, endpointSettings(stored, settings))
    await addSecret(tx, { endpointId, sealed: testSealer.seal(secret, endpointId), now }, now)
  })
  return { endpointId, secret: formatSecret(secret) }
}

export const notificationOf = (name: string | number, notification: Partial<Notification> = {}): Notification => {
  const at = notification.at ?? systemClock.now()
  return {
    notificationId: derivedId('test-notice', name),
    tenantId: TENANT,
    accountId: 'acme',
    type: 'alert.firing',
    severity: 'warning',
    ownerId: null,
    traits: {},
    at,
    body: {
      type: 'alert.firing',
      timestamp: new Date(at).toISOString(),
      data: { tenantId: TENANT, accountId: 'acme', sequence: 43, note: `${name} – größer, 日本` },
    },
    ...notification,
  }
}

export const enqueueAll = (database: Database, notifications: readonly Notification[]): Promise<number> =>
  database.transaction((tx) => enqueueNotifications(tx, notifications))

/** A deliverer on the real sender, which may call loopback only; `stop` closes both. */
export const startDeliverer = async (
  deps: Partial<DelivererDeps> & { readonly database: Database },
): Promise<Deliverer> => {
  const clock = deps.clock ?? systemClock
  const sender = createWebhookSender({ clock, rules: LOOPBACK_RULES })
  const deliverer = createDeliverer({
    clock,
    logger: silentLogger,
    metrics: createMetrics(),
    send: sender.send,
    sealer: testSealer,
    urls: testUrls,
    schedule: [0, 20, 20],
    random: () => 0.5,
    ...deps,
  })
  await deliverer.start()
  return {
    ...deliverer,
    stop: async () => {
      await deliverer.stop()
      await sender.close()
    },
  }
}
