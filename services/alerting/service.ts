import { join } from 'node:path'
import { createIdempotentReply } from '#libs/access/idempotent-reply.ts'
import { createSealer } from '#libs/access/seal-secret.ts'
import type { Subscription } from '#libs/bus/bus.ts'
import { checkPartitions } from '#libs/bus/check-partitions.ts'
import { createOutboxRelay } from '#libs/postgres/outbox.ts'
import { DAY_MS } from '#libs/runtime/durations.ts'
import type { Platform, Service, ServiceDefinition } from '#libs/runtime/service.ts'
import { createUnreadableDocuments } from '#libs/runtime/unreadable-documents.ts'
import { startUpkeep } from '#libs/runtime/upkeep.ts'
import { createAlertEpoch } from './alerts/alert-epoch.ts'
import { alertUpkeep } from './alerts/alert-retention.ts'
import { type AlertingConfig, alertingConfigSchema } from './config.ts'
import { createDeliverer } from './delivery/deliverer.ts'
import { createWebhookSender } from './endpoints/http-sender.ts'
import { createUrlSeal } from './endpoints/sealed-url.ts'
import { verifyAll } from './endpoints/verification-store.ts'
import { createAlertTimers } from './evaluation/alert-timers.ts'
import { ACTIVITY_READER, consumeActivity } from './evaluation/consume-activity.ts'
import { consumeHealth, HEALTH_READER } from './evaluation/consume-health.ts'
import { createAlertingMetrics } from './metrics.ts'
import { alertRoutes } from './routes/alerts.ts'
import { deliveryRoutes } from './routes/deliveries.ts'
import { notificationPolicyRoutes } from './routes/notification-policy.ts'
import { ruleChangeRoutes } from './routes/rule-changes.ts'
import { rulePreviewRoutes } from './routes/rule-preview.ts'
import { ruleRoutes } from './routes/rules.ts'
import { silenceRoutes } from './routes/silences.ts'
import { webhookEndpointRoutes } from './routes/webhook-endpoints.ts'
import { RULE_JSON_SCHEMA } from './rules/rule-document.ts'
import { createRuleCatalog } from './rules/rule-store.ts'

/** Decides when a person should know: changes of accounts -> alerts -> `alert.events`, webhooks. */
export const createAlerting = (platform: Platform, config: AlertingConfig): Service => {
  const { clock, logger, database, apiDatabase, bus, tombstones, settings } = platform
  const ruleCatalog = createRuleCatalog(createUnreadableDocuments(platform.metrics, logger))
  const metrics = createAlertingMetrics(platform.metrics)
  const relay = createOutboxRelay({ database, bus, clock, logger, metrics: platform.metrics, schema: 'alerting' })
  const rules = { allow: config.PULSO_WEBHOOK_ALLOW, allowHttp: config.PULSO_WEBHOOK_ALLOW_HTTP }
  const sealer = createSealer(settings.encryptionKey, settings.formerEncryptionKeys)
  const urls = createUrlSeal(sealer, { seals: config.PULSO_WEBHOOK_SEAL_URLS })
  const verify = config.PULSO_WEBHOOK_VERIFY
  const idempotentReply = createIdempotentReply({ database: apiDatabase, sealer })
  const sender = createWebhookSender({ clock, rules })
  const deliverer = createDeliverer({
    database,
    clock,
    logger,
    metrics: platform.metrics,
    send: sender.send,
    sealer,
    urls,
    schedule: config.PULSO_WEBHOOK_SCHEDULE,
    keptMs: config.PULSO_DELIVERY_RETENTION_DAYS * DAY_MS,
  })
  const onCommit = (): void => {
    relay.wake()
    deliverer.wake()
  }
  const epoch = createAlertEpoch({ database, bus, clock, logger, readers: [HEALTH_READER, ACTIVITY_READER] })
  const timers = createAlertTimers({ database, clock, logger, metrics, ruleCatalog, epoch, onCommit })
  const subscriptions: Subscription[] = []
  const upkeep = alertUpkeep({
    database,
    clock,
    previewDays: config.PULSO_PREVIEW_DAYS,
    alertDays: config.PULSO_ALERT_RETENTION_DAYS,
  })
  let stopUpkeep = async (): Promise<void> => {}
  return {
    name: 'alerting',
    topics: ['account.health', 'source.activity', 'alert.events'],
    migrations: join(import.meta.dirname, 'migrations'),
    documentSchemas: { rule: RULE_JSON_SCHEMA },
    routes: async (app) => {
      await app.register(ruleRoutes({ database: apiDatabase, ruleCatalog }))
      await app.register(ruleChangeRoutes({ database: apiDatabase, clock, ruleCatalog, idempotentReply }))
      await app.register(rulePreviewRoutes({ database: apiDatabase, clock }))
      await app.register(alertRoutes({ database: apiDatabase, clock, ruleCatalog, onCommit }))
      await app.register(notificationPolicyRoutes({ database: apiDatabase, clock }))
      await app.register(silenceRoutes({ database: apiDatabase, clock, idempotentReply }))
      await app.register(
        webhookEndpointRoutes({ database: apiDatabase, clock, sealer, urls, rules, verify, idempotentReply }),
      )
      await app.register(deliveryRoutes({ database: apiDatabase, clock, idempotentReply }))
    },
    checks: {
      database: database.check,
      consumers: () => checkPartitions(bus),
      'alerting.consumers': () => Promise.all(subscriptions.map(({ check }) => check())),
      'alerting.outbox': relay.check,
    },
    start: async () => {
      await tombstones.start()
      if (!verify) await verifyAll(database, clock.now())
      await deliverer.start()
      relay.start()
      epoch.start()
      timers.start()
      subscriptions.push(await consumeHealth({ ...platform, metrics, ruleCatalog, epoch, onCommit }))
      subscriptions.push(await consumeActivity({ database, bus, clock, ruleCatalog, epoch, onCommit }))
      stopUpkeep = startUpkeep({ clock, logger }, upkeep)
    },
    stop: async () => {
      await Promise.all(subscriptions.splice(0).map((subscription) => subscription.stop()))
      await timers.stop()
      await epoch.stop()
      await stopUpkeep()
      await relay.stop()
      await deliverer.stop()
      await sender.close()
    },
  }
}

export const alerting: ServiceDefinition<AlertingConfig> = {
  name: 'alerting',
  config: alertingConfigSchema,
  create: createAlerting,
}
