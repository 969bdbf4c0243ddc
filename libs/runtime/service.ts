import type { FastifyPluginAsync } from 'fastify'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { z } from 'zod'
import type { Keyring } from '#libs/access/keyring.ts'
import type { Bus } from '#libs/bus/bus.ts'
import type { TopicName } from '#libs/contracts/topics.ts'
import type { Database } from '#libs/postgres/database.ts'
import type { Clock } from './clock.ts'

/** What every service is given. Building it opens nothing; the app starts the parts before the services and stops them after. */
export type Platform = {
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Registry
  readonly database: Database
  readonly bus: Bus
  readonly keyring: Keyring
  readonly settings: PlatformSettings
}

export type PlatformSettings = {
  /** IANA name; day buckets are cut in it. */
  readonly timeZone: string
  /** 32 bytes for AES-256-GCM of signing secrets. */
  readonly encryptionKey: Buffer
}

/** One deployable part: creating it opens no connection, `start` does. */
export type Service = {
  readonly name: string
  /** Topics it reads or writes: created at start when missing. */
  readonly topics: readonly TopicName[]
  /** Folder of numbered .sql migrations, run before `start`; its tables live in the schema named like the service. */
  readonly migrations?: string
  /** JSON Schemas of the documents people write for it, by name: `rule` is committed as openapi/rule.schema.json. */
  readonly documentSchemas?: Readonly<Record<string, object>>
  /** Its routes, mounted at the root; each route declares `config.scope`. */
  readonly routes: FastifyPluginAsync
  readonly start: () => Promise<void>
  /** Finishes what is under way and lets go; the app calls it after the HTTP door is closed. */
  readonly stop: () => Promise<void>
}

export type ServiceDefinition<Config = unknown> = {
  readonly name: string
  /** Reads the environment (names of api documentation, all upper case); errors of all services are reported together. */
  readonly config: z.ZodType<Config>
  readonly create: (platform: Platform, config: Config) => Service
}
