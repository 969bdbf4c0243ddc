import type { FastifyInstance } from 'fastify'
import type { z } from 'zod'
import { developmentKeyFile } from '#libs/access/keys/development-key.ts'
import { createHttpServer } from '#libs/http/server.ts'
import { type Clock, systemClock } from '#libs/runtime/clock.ts'
import { type Environment, readConfigs } from '#libs/runtime/config.ts'
import { armFailpoints } from '#libs/runtime/failpoint.ts'
import { createLogger, type Logger } from '#libs/runtime/logger.ts'
import type { Platform, Service } from '#libs/runtime/service.ts'
import packageJson from '../../package.json' with { type: 'json' }
import { createLifecycle } from './lifecycle.ts'
import { createPlatform } from './platform.ts'
import { platformConfigSchema } from './platform-config.ts'

/** A service's definition with its own type of configuration left open. */
export type Definition = {
  readonly name: string
  readonly config: z.ZodType
  readonly create: (platform: Platform, config: never) => Service
}

export type AppOptions = {
  /** One service runs alone. Several share the process, which may then embed database and bus. */
  readonly definitions: readonly Definition[]
  readonly environment: Environment
  /** Used when the environment sets no PORT. 0 takes a free one. */
  readonly defaultPort?: number
  readonly logger?: Logger
  /** For tests; else the process's clock corrected by the database's. */
  readonly clock?: Clock
}

export type Started = {
  /** Base URL of the HTTP door. */
  readonly address: string
  /** Embedded mode only: every scope, from this machine only. */
  readonly developmentKey?: string
  readonly keyFile?: string
}

export type App = {
  readonly start: () => Promise<Started>
  /** Callable at any time, also twice. */
  readonly stop: () => Promise<void>
  /** The OpenAPI document of the services, from the real wiring. Starts nothing. */
  readonly describe: () => Promise<Record<string, unknown>>
  readonly documentSchemas: Readonly<Record<string, object>>
  readonly logger: Logger
}

/** Opens no connection before `start`. Throws `ConfigError` with every bad environment value. */
export const createApp = (options: AppOptions): App => {
  const { definitions, environment, defaultPort = 8080 } = options
  const configs = readConfigs(
    {
      platform: platformConfigSchema({ alone: definitions.length === 1, defaultPort }),
      ...Object.fromEntries(definitions.map((definition) => [definition.name, definition.config])),
    },
    environment,
  )
  const config = configs.platform
  const logger = options.logger ?? createLogger(config.PULSO_LOG_LEVEL)
  const alone = definitions.length === 1 ? definitions[0] : undefined
  const { platform, ...wiring } = createPlatform({
    config,
    name: alone ? `pulso-${alone.name}` : 'pulso',
    logger,
    clock: options.clock,
  })
  const services: readonly Service[] = definitions.map((definition) =>
    definition.create(platform, (configs as Record<string, unknown>)[definition.name] as never),
  )

  let server: Promise<FastifyInstance> | undefined
  const httpServer = (): Promise<FastifyInstance> => {
    server ??= (async () => {
      const built = await createHttpServer({
        logger,
        metrics: platform.metrics,
        keyring: platform.keyring,
        title: alone ? `Pulso ${alone.name}` : 'Pulso',
        version: packageJson.version,
        checks: Object.assign({}, wiring.checks, ...services.map(({ checks }) => checks)),
        requestCounter: wiring.requestCounter,
        maxConnections: config.PULSO_MAX_CONNECTIONS,
        trustedProxies: config.PULSO_TRUSTED_PROXIES,
      })
      for (const service of services) await built.register(service.routes)
      return built
    })()
    return server
  }

  let address = ''
  const lifecycle = createLifecycle(
    [
      ...wiring.foundation,
      ...services.flatMap((service) => wiring.preparationOf(service)),
      ...services.map(({ name, start, stop }) => ({ name, start, stop })),
      {
        name: 'http',
        start: async () => {
          address = await (await httpServer()).listen({ host: config.HOST, port: config.PORT })
        },
        stop: async () => (await httpServer()).close(),
      },
    ],
    { clock: systemClock, logger },
  )

  return {
    logger,
    start: async () => {
      armFailpoints(config.PULSO_FAILPOINTS ?? [])
      await lifecycle.start()
      logger.info({ address, services: services.map((service) => service.name), ...wiring.describe }, 'ready')
      const developmentKey = wiring.developmentKey()
      return {
        address,
        ...(developmentKey ? { developmentKey, keyFile: developmentKeyFile(config.PULSO_DATA_DIR) } : {}),
      }
    },
    stop: lifecycle.stop,
    documentSchemas: Object.assign({}, ...services.map((service) => service.documentSchemas)),
    describe: async () => {
      const built = await httpServer()
      await built.ready()
      return built.swagger() as unknown as Record<string, unknown>
    },
  }
}
