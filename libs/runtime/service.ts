import type { FastifyPluginAsync } from 'fastify'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { z } from 'zod'
import type { Keyring } from '#libs/access/keyring.ts'
import type { StoredTombstones } from '#libs/access/tombstones.ts'
import type { Bus } from '#libs/bus/bus.ts'
import type { TopicName } from '#libs/contracts/topics.ts'
import type { Database } from '#libs/postgres/database.ts'
import type { Clock } from './clock.ts'

/** The dependencies of every service. The app starts them before it and stops them after it. */
export type Platform = {
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Registry
  /** For the pipeline. */
  readonly database: Database
  /** For routes: a pool of its own with shorter time-outs, so that readers starve nothing. */
  readonly apiDatabase: Database
  readonly bus: Bus
  readonly keyring: Keyring
  /** A service that uses them starts them. */
  readonly tombstones: StoredTombstones
  readonly settings: PlatformSettings
}

export type PlatformSettings = {
  /** IANA name of the zone that days are counted in. */
  readonly timeZone: string
  /** 32 bytes for AES-256-GCM of secrets. */
  readonly encryptionKey: Buffer
  /** Keys that `encryptionKey` replaced: they only open. */
  readonly formerEncryptionKeys?: readonly Buffer[]
  /** How long dead letters are kept. */
  readonly deadLetterDays: number
}

/** What a process needs for its work, by name. Each check rejects while its part is not there. */
export type Checks = Readonly<Record<string, () => Promise<unknown>>>

/** One deployable service. Creating it opens no connection; `start` does. */
export type Service = {
  readonly name: string
  /** Topics that it reads or writes; the app creates missing ones. */
  readonly topics: readonly TopicName[]
  /** Folder of numbered .sql migrations of the schema named like the service, run before start. */
  readonly migrations?: string
  /** JSON Schemas of its documents: `rule` is committed as openapi/rule.schema.json. */
  readonly documentSchemas?: Readonly<Record<string, object>>
  /** Routes, mounted at the root; each route declares `config.scope`. */
  readonly routes: FastifyPluginAsync
  /** What it needs to be ready, beside the bus and the keys. Services may share a name's check. */
  readonly checks?: Checks
  readonly start: () => Promise<void>
  /** Finishes the work under way; the app calls it after it closed the HTTP server. */
  readonly stop: () => Promise<void>
}

export type ServiceDefinition<Config = unknown> = {
  readonly name: string
  /** Schema of its settings in the environment; the app reports errors of all services together. */
  readonly config: z.ZodType<Config>
  readonly create: (platform: Platform, config: Config) => Service
}
