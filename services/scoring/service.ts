import { join } from 'node:path'
import { createIdempotentReply } from '#libs/access/idempotent-reply.ts'
import { createRecordSigner } from '#libs/access/record-signer.ts'
import { createSealer } from '#libs/access/seal-secret.ts'
import { createTenantStates } from '#libs/access/tenant-states.ts'
import type { Subscription } from '#libs/bus/bus.ts'
import { checkPartitions } from '#libs/bus/check-partitions.ts'
import { createWorkSlots } from '#libs/http/limits/work-slots.ts'
import type { Platform, Service, ServiceDefinition } from '#libs/runtime/service.ts'
import { startUpkeep } from '#libs/runtime/upkeep.ts'
import { createZone } from '#libs/time/time-zone.ts'
import { createAccountCache } from './accounts/account-cache.ts'
import { type ScoringConfig, scoringConfigSchema } from './config.ts'
import { createDeadLetterIndex } from './dead-letters/dead-letters.ts'
import { createEraseAccount } from './erasure/erase-account.ts'
import { createTenantEraser } from './erasure/erase-tenants.ts'
import { createEraseUser } from './erasure/erase-user.ts'
import { hashAccounts } from './erasure/hash-accounts.ts'
import { createApplyCommand } from './flush/apply-command.ts'
import { consumeEvents } from './flush/consume-events.ts'
import { createEpoch, createEventPositions } from './flush/event-positions.ts'
import { createBatchScorer } from './flush/score-batch.ts'
import { FLUSHES_BUFFERED, FOLDS, LISTS, MAX_WAITING_REEVALUATIONS, PAGES, PREVIEWS } from './limits.ts'
import { createChangeRelay } from './log/change-relay.ts'
import { checkRelay, oldestUnrelayedAge } from './log/relay-store.ts'
import { createScoringMetrics } from './metrics.ts'
import { createLiveModels } from './models/live-models.ts'
import { MODEL_JSON_SCHEMA } from './models/model-document.ts'
import { createPublishModel } from './models/publish-model.ts'
import { createReevaluator } from './models/reevaluate-accounts.ts'
import { createAccountViews } from './queries/account-views.ts'
import { createPreviewModel } from './queries/preview-model.ts'
import { createAccountProjector } from './queries/project-accounts.ts'
import { createRebuildPast } from './queries/rebuild-past.ts'
import { scoringRoutes } from './routes/scoring-routes.ts'
import { createBackfillEnder } from './sources/end-backfills.ts'
import { createSourceActivity } from './sources/source-activity.ts'
import { createSourceWatch } from './sources/watch-sources.ts'
import { createEvaluationTimer } from './timers/evaluation-timer.ts'
import { createStateUpgrade } from './upgrade/state-upgrade.ts'

/** Folds events of `usage.events` into accounts, scores them, and explains on `account.health`. */
export const createScoring = (platform: Platform, config: ScoringConfig): Service => {
  const { clock, logger, database, apiDatabase, bus, tombstones } = platform
  const { encryptionKey, formerEncryptionKeys } = platform.settings
  const sealer = createSealer(encryptionKey, formerEncryptionKeys)
  const signer = createRecordSigner(encryptionKey, formerEncryptionKeys)
  const idempotentReply = createIdempotentReply({ database: apiDatabase, sealer })
  const zone = createZone(platform.settings.timeZone)
  const epoch = createEpoch({ database, clock, logger })
  const liveModels = createLiveModels({ ...platform, zone, sequenceFloor: epoch.floor })
  const cache = createAccountCache(config.PULSO_SCORING_CACHE_BYTES)
  const maxBatchBytes = config.PULSO_SCORING_BATCH_BYTES
  const inFlight = Math.max(2, Math.floor(config.PULSO_SCORING_HELD_BYTES / (FLUSHES_BUFFERED * maxBatchBytes)))
  const metrics = createScoringMetrics(platform.metrics)
  const sourceActivity = createSourceActivity()
  const sourceWatch = createSourceWatch({ database, bus, clock, logger, liveModels, sourceActivity })
  const relay = createChangeRelay({ database, bus, clock, logger })
  const timer = createEvaluationTimer({ database, bus, clock, logger, signer })
  const positions = createEventPositions({ database, cache, relay, epoch })
  const handle = createBatchScorer({
    ...platform,
    metrics,
    cache,
    relay,
    positions,
    liveModels,
    sourceActivity,
    tenantStates: createTenantStates({ database }),
    signer,
    mostBatches: inFlight,
    retentionDays: config.PULSO_RETENTION_DAYS,
  })
  const foldSlots = createWorkSlots(clock, FOLDS)
  const views = createAccountViews({ database: apiDatabase, clock, liveModels, foldSlots })
  const rebuildPast = createRebuildPast({ database: apiDatabase, liveModels, foldSlots })
  const applyCommand = createApplyCommand({ database, bus, clock, cache, relay, liveModels, tombstones })
  const eraseAccount = createEraseAccount({ database, bus, clock, logger, cache, tombstones })
  const eraseUser = createEraseUser({ ...platform, cache, relay, liveModels })
  const tenantEraser = createTenantEraser({ database, bus, clock, logger, cache, tombstones })
  const deadLetters = createDeadLetterIndex({ ...platform, signer })
  const backfillEnder = createBackfillEnder({ database, clock, logger })
  const projector = createAccountProjector({ database, clock, logger, liveModels })
  let subscription: Subscription | undefined
  let stopHashing = async (): Promise<void> => {}
  const lag = async (): Promise<number> => (await subscription?.lag()) ?? 0
  const publishModel = createPublishModel({ database, clock, liveModels })
  const previewModel = createPreviewModel({
    database: apiDatabase,
    clock,
    liveModels,
    previewSlots: createWorkSlots(clock, PREVIEWS),
  })
  const reevaluator = createReevaluator({
    database,
    bus,
    clock,
    logger,
    liveModels,
    signer,
    perSecond: config.PULSO_SCORING_REEVALUATIONS_PER_SECOND,
    maxBacklog: MAX_WAITING_REEVALUATIONS,
    lag,
  })
  const countEvents = async (): Promise<void> => {
    subscription = await consumeEvents({ bus, database, handle, positions, inFlight, maxBatchBytes })
    reevaluator.start()
    sourceWatch.start()
  }
  const stateUpgrade = createStateUpgrade({ database, clock, logger, liveModels, onThrough: countEvents })
  metrics.watch({
    formerStates: stateUpgrade.accountsLeft,
    cachedAccounts: cache.size,
    lag,
    unrelayed: () => oldestUnrelayedAge(database, clock.now()),
  })
  return {
    name: 'scoring',
    topics: ['usage.events', 'account.health', 'source.activity'],
    migrations: join(import.meta.dirname, 'migrations'),
    documentSchemas: { model: MODEL_JSON_SCHEMA },
    routes: scoringRoutes({
      database: apiDatabase,
      clock,
      bus,
      zone,
      liveModels,
      projector,
      views,
      rebuildPast,
      applyCommand,
      eraseAccount,
      eraseUser,
      publishModel,
      previewModel,
      idempotentReply,
      listSlots: createWorkSlots(clock, LISTS),
      pageSlots: createWorkSlots(clock, PAGES),
    }),
    checks: {
      database: database.check,
      consumers: () => checkPartitions(bus),
      'scoring.consumer': async () => subscription?.check(),
      'scoring.models': liveModels.check,
      'scoring.states': stateUpgrade.check,
      'scoring.relay': () => checkRelay(database, clock.now()),
    },
    start: async () => {
      await tombstones.start()
      await epoch.start()
      await liveModels.start()
      relay.start()
      timer.start()
      projector.start()
      backfillEnder.start()
      tenantEraser.start()
      stopHashing = startUpkeep({ clock, logger }, [hashAccounts({ database, tombstones })])
      await deadLetters.start()
      await stateUpgrade.start()
    },
    stop: async () => {
      await stateUpgrade.stop()
      await timer.stop()
      await reevaluator.stop()
      await projector.stop()
      await backfillEnder.stop()
      await tenantEraser.stop()
      await stopHashing()
      await subscription?.stop()
      await deadLetters.stop()
      await sourceWatch.stop()
      await relay.stop()
      await liveModels.stop()
      await epoch.stop()
    },
  }
}

export const scoring: ServiceDefinition<ScoringConfig> = {
  name: 'scoring',
  config: scoringConfigSchema,
  create: createScoring,
}
