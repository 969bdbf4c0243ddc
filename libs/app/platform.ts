import { join } from 'node:path'
import { ensureBootstrapKey } from '#libs/access/keys/bootstrap-key.ts'
import { ensureDevelopmentKey } from '#libs/access/keys/development-key.ts'
import { createKeyring } from '#libs/access/keys/stored-keyring.ts'
import { createStoredTombstones } from '#libs/access/tombstones.ts'
import type { Bus } from '#libs/bus/bus.ts'
import { createKafkaBus } from '#libs/bus/kafka/bus.ts'
import { BUS_MIGRATIONS, BUS_SCHEMA, createPostgresBus } from '#libs/bus/postgres/bus.ts'
import { createRequestCounter, type RequestCounter } from '#libs/http/limits/request-counter.ts'
import { createDatabaseClock } from '#libs/postgres/database-clock.ts'
import { migrate } from '#libs/postgres/migrate.ts'
import { createPoolMetrics } from '#libs/postgres/pool-metrics.ts'
import { type Clock, systemClock } from '#libs/runtime/clock.ts'
import { MINUTE_MS } from '#libs/runtime/durations.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import { createMetrics, type Registry } from '#libs/runtime/metrics.ts'
import { repeat } from '#libs/runtime/repeat.ts'
import type { Checks, Platform, Service } from '#libs/runtime/service.ts'
import { embeddedEncryptionKey } from './embedded-key.ts'
import type { Component } from './lifecycle.ts'
import type { PlatformConfig } from './platform-config.ts'
import { createEmbeddedStore, createServerStore, type Store } from './store.ts'

/** Far below the hour for which a key serves without the database. */
const KEY_REFRESH_MS = 10 * MINUTE_MS
const KEY_RETRY_MS = 10_000

const ACCESS_MIGRATIONS = join(import.meta.dirname, '../access/migrations')

type PlatformOptions = {
  readonly config: PlatformConfig
  /** How this process names itself to Kafka. */
  readonly name: string
  readonly logger: Logger
  readonly clock: Clock | undefined
}

export type Wiring = {
  readonly platform: Platform
  readonly foundation: readonly Component[]
  /** The tables and topics of a service, which it needs before its start. */
  readonly preparationOf: (service: Service) => readonly Component[]
  /** Embedded mode, once started. */
  readonly developmentKey: () => string | undefined
  readonly requestCounter: RequestCounter
  /** What every process needs to be ready; services add theirs. */
  readonly checks: Checks
  readonly describe: {
    readonly database: 'embedded' | 'server'
    readonly bus: 'postgres' | 'kafka'
    readonly cache: 'memory' | 'redis'
  }
}

const kafkaOptions = (config: PlatformConfig, brokers: readonly string[]) => ({
  brokers,
  topicPrefix: config.KAFKA_TOPIC_PREFIX,
  durability: {
    replicationFactor: config.KAFKA_REPLICATION_FACTOR,
    minInsyncReplicas: config.KAFKA_MIN_INSYNC_REPLICAS,
    retentionDays: config.KAFKA_RETENTION_DAYS,
    deadRetentionDays: config.KAFKA_DEAD_RETENTION_DAYS,
    strict: config.PULSO_STRICT_TOPICS,
  },
  ssl: config.KAFKA_SSL_CA === undefined ? config.KAFKA_SSL : { ca: config.KAFKA_SSL_CA },
  ...(config.KAFKA_SASL_MECHANISM
    ? {
        sasl: {
          mechanism: config.KAFKA_SASL_MECHANISM,
          username: config.KAFKA_SASL_USERNAME ?? '',
          password: config.KAFKA_SASL_PASSWORD ?? '',
        },
      }
    : {}),
})

const createStore = (config: PlatformConfig, logger: Logger, metrics: Registry): Store => {
  const options = {
    maxConnections: config.PULSO_DATABASE_CONNECTIONS,
    maxApiConnections: config.PULSO_DATABASE_API_CONNECTIONS,
    poolMetrics: createPoolMetrics(metrics),
    logger,
  }
  return config.DATABASE_URL
    ? createServerStore({ ...options, connectionString: config.DATABASE_URL })
    : createEmbeddedStore({ ...options, dataDir: config.PULSO_DATA_DIR })
}

/** Chooses and wires the adapters that the configuration names. Opens nothing before a start. */
export const createPlatform = (options: PlatformOptions): Wiring => {
  const { config, name, logger } = options
  const metrics = createMetrics()
  const store = createStore(config, logger, metrics)
  const { database, apiDatabase } = store
  const databaseClock = createDatabaseClock({ base: systemClock, database, logger, metrics })
  const clock = options.clock ?? databaseClock
  const bus: Bus = config.KAFKA_BROKERS
    ? createKafkaBus({ ...kafkaOptions(config, config.KAFKA_BROKERS), clientId: name, logger, clock, metrics })
    : createPostgresBus({ database, clock: options.clock ? systemClock : databaseClock, logger, metrics })
  const requestCounter = createRequestCounter({
    requests: config.PULSO_RATE_LIMIT_REQUESTS,
    windowS: config.PULSO_RATE_LIMIT_SECONDS,
    redisUrl: config.REDIS_URL,
    logger,
  })
  const embedded = !config.DATABASE_URL
  const encryptionKey = config.PULSO_ENCRYPTION_KEY ?? embeddedEncryptionKey(config.PULSO_DATA_DIR)
  const keyring = createKeyring({ database, clock, developmentKey: config.PULSO_DEVELOPMENT_KEY_ENABLED })
  const formerEncryptionKeys = config.PULSO_ENCRYPTION_KEY_FORMER
  const keyRefresh = repeat(
    { clock, logger, everyMs: KEY_REFRESH_MS, retryMs: KEY_RETRY_MS, failure: 'keys could not be read' },
    async () => void (await keyring.refresh()),
  )
  let developmentKey: string | undefined

  const migration = (schema: string, folder: string): Component => ({
    name: `tables of ${schema}`,
    start: async () => void (await migrate({ connectionString: store.connectionString(), schema, folder, logger })),
  })
  const keys: Component = {
    name: 'keys',
    start: async () => {
      if (embedded && config.PULSO_DEVELOPMENT_KEY_ENABLED)
        developmentKey = await ensureDevelopmentKey({ database, dataDir: config.PULSO_DATA_DIR })
      if (config.PULSO_BOOTSTRAP_KEY) await ensureBootstrapKey(database, config.PULSO_BOOTSTRAP_KEY)
      await keyring.refresh()
      keyRefresh.start()
    },
    stop: keyRefresh.stop,
  }
  return {
    platform: {
      clock,
      logger,
      metrics,
      database,
      apiDatabase,
      bus,
      keyring,
      tombstones: createStoredTombstones({ database, encryptionKey, formerEncryptionKeys }),
      settings: {
        timeZone: config.PULSO_TIME_ZONE,
        encryptionKey,
        formerEncryptionKeys,
        deadLetterDays: config.KAFKA_DEAD_RETENTION_DAYS,
      },
    },
    foundation: [
      { name: 'database', start: database.start, stop: database.stop },
      { name: 'database of the api', start: apiDatabase.start, stop: apiDatabase.stop },
      { name: 'database answers', start: database.check },
      ...(options.clock ? [] : [{ name: 'clock', start: databaseClock.start, stop: async () => databaseClock.stop() }]),
      migration('access', ACCESS_MIGRATIONS),
      ...(config.KAFKA_BROKERS ? [] : [migration(BUS_SCHEMA, BUS_MIGRATIONS)]),
      { name: 'bus', start: bus.start, stop: bus.stop },
      { name: 'request counter', start: requestCounter.start, stop: requestCounter.stop },
      keys,
    ],
    preparationOf: (service) => [
      ...(service.migrations ? [migration(service.name, service.migrations)] : []),
      { name: `topics of ${service.name}`, start: () => bus.ensureTopics(service.topics) },
    ],
    developmentKey: () => developmentKey,
    requestCounter,
    checks: { bus: bus.check, keys: keyring.check },
    describe: {
      database: embedded ? 'embedded' : 'server',
      bus: config.KAFKA_BROKERS ? 'kafka' : 'postgres',
      cache: config.REDIS_URL ? 'redis' : 'memory',
    },
  }
}
