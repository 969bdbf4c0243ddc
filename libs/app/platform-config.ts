import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { keyIdOf } from '#libs/access/keys/api-key.ts'
import { DEFAULT_MAX_CONNECTIONS } from '#libs/http/limits/connections.ts'
import { parseRange } from '#libs/http/limits/trusted-proxies.ts'
import { envFlag, envInteger, envList, secret } from '#libs/runtime/config.ts'
import { parseFailpoint } from '#libs/runtime/failpoint.ts'

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
const SASL_MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const

const isTimeZone = (name: string): boolean => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}

const brokerList = z
  .string()
  .transform((text) => text.split(',').map((broker) => broker.trim()))
  .refine((brokers) => brokers.every((broker) => /^[^\s:]+:\d{1,5}$/.test(broker)), {
    message: 'must be host:port, several separated by commas',
  })

const rangeList = envList(
  (part) => parseRange(part.trim()),
  'must be addresses or CIDRs such as 10.0.0.0/8, several separated by commas',
).prefault('')

const failpointList = z
  .string()
  .transform((text) => text.split(',').map(parseFailpoint))
  .refine((points) => points.every((point) => point !== undefined), {
    message:
      'must be name=kill, name=stop, name=throw or name=sleep:500ms, each with @2 for the second hit, comma-separated',
  })
  .transform((points) => points.filter((point) => point !== undefined))

const key32 = z
  .string()
  .transform((text) => Buffer.from(text, 'base64'))
  .refine((key) => key.length === 32, { message: 'must be 32 bytes in base64 (openssl rand -base64 32)' })

const key32List = z
  .string()
  .transform((text) => text.split(',').map((key) => Buffer.from(key.trim(), 'base64')))
  .refine((keys) => keys.every((key) => key.length === 32), { message: 'must be 32 bytes in base64, comma-separated' })

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

/** Path of a file; its certificates as PEM. */
const certificateFile = z.string().transform((path, context) => {
  try {
    const certificates = readFileSync(path, 'utf8').match(PEM_CERTIFICATE) ?? []
    for (const certificate of certificates) new X509Certificate(certificate)
    if (certificates.length > 0) return certificates.join('\n')
  } catch {}
  context.addIssue({ code: 'custom', message: 'must be the path of a readable file with certificates in PEM' })
  return z.NEVER
})

const fields = {
  HOST: z.string().default('127.0.0.1'),
  PULSO_MAX_CONNECTIONS: envInteger(10, 100_000, DEFAULT_MAX_CONNECTIONS),
  PULSO_TRUSTED_PROXIES: rangeList,
  DATABASE_URL: secret(
    z
      .string()
      .regex(/^postgres(ql)?:\/\//, { message: 'must start with postgres:// or postgresql://' })
      .optional(),
  ),
  PULSO_DATABASE_CONNECTIONS: envInteger(2, 200, 10),
  PULSO_DATABASE_API_CONNECTIONS: envInteger(2, 200, 5),
  KAFKA_BROKERS: brokerList.optional(),
  KAFKA_TOPIC_PREFIX: z
    .string()
    .regex(/^[A-Za-z0-9._-]{0,100}$/, { message: 'may hold letters, digits, dot, underscore and dash' })
    .default(''),
  KAFKA_REPLICATION_FACTOR: z.coerce.number().int().min(1).max(10).optional(),
  KAFKA_MIN_INSYNC_REPLICAS: envInteger(1, 10, 2),
  KAFKA_RETENTION_DAYS: envInteger(1, 3_650, 14),
  KAFKA_DEAD_RETENTION_DAYS: envInteger(1, 3_650, 30),
  PULSO_STRICT_TOPICS: envFlag(false),
  KAFKA_SSL: envFlag(false),
  KAFKA_SSL_CA: certificateFile.optional(),
  KAFKA_SASL_MECHANISM: z.enum(SASL_MECHANISMS).optional(),
  KAFKA_SASL_USERNAME: z.string().optional(),
  KAFKA_SASL_PASSWORD: secret(z.string().optional()),
  REDIS_URL: secret(
    z
      .string()
      .regex(/^rediss?:\/\//, { message: 'must start with redis:// or rediss://' })
      .optional(),
  ),
  PULSO_RATE_LIMIT_REQUESTS: envInteger(0, 1_000_000_000, 100_000),
  PULSO_RATE_LIMIT_SECONDS: envInteger(1, 3_600, 10),
  PULSO_DATA_DIR: z.string().default('.pulso'),
  PULSO_DEVELOPMENT_KEY_ENABLED: envFlag(true),
  PULSO_TIME_ZONE: z
    .string()
    .default('UTC')
    .refine(isTimeZone, { message: 'must be an IANA time zone such as Europe/Berlin' }),
  PULSO_LOG_LEVEL: z.enum(LOG_LEVELS).default('info'),
  PULSO_ENCRYPTION_KEY: secret(key32.optional()),
  PULSO_ENCRYPTION_KEY_FORMER: secret(key32List.optional()),
  PULSO_BOOTSTRAP_KEY: secret(
    z
      .string()
      .refine((key) => keyIdOf(key) !== undefined, { message: 'must be a key as `npm run new-key` prints it' })
      .optional(),
  ),
  PULSO_FAILPOINTS: failpointList.optional(),
  PULSO_FAILPOINTS_ENABLED: envFlag(false),
}

type Placement = {
  /** One service in a process of its own. It needs servers that the other services reach too. */
  readonly alone: boolean
  readonly defaultPort: number
}

/** Makes zod run these checks beside bad values too, so that one start names every mistake. */
const EVEN_BESIDE_OTHERS = { when: () => true }

/** The process embeds PostgreSQL without `DATABASE_URL`, and a bus without `KAFKA_BROKERS`. */
export const platformConfigSchema = ({ alone, defaultPort }: Placement) =>
  z.object({ ...fields, PORT: envInteger(0, 65_535, defaultPort) }).superRefine((config, context) => {
    const missing = (name: string, message: string) => context.addIssue({ code: 'custom', path: [name], message })
    if (alone && !config.DATABASE_URL)
      missing(
        'DATABASE_URL',
        'is needed by a service that runs alone, since embedded PostgreSQL serves one process only',
      )
    if (alone && !config.KAFKA_BROKERS)
      missing('KAFKA_BROKERS', 'is needed by a service that runs alone, since the embedded bus serves one process only')
    if ((alone || config.DATABASE_URL) && !config.PULSO_ENCRYPTION_KEY)
      missing(
        'PULSO_ENCRYPTION_KEY',
        'is needed outside embedded mode (openssl rand -base64 32), the same for all services',
      )
    if (config.PULSO_FAILPOINTS && !config.PULSO_FAILPOINTS_ENABLED)
      missing(
        'PULSO_FAILPOINTS',
        'kills this process on purpose: a fault test sets PULSO_FAILPOINTS_ENABLED=true beside it',
      )
    if (config.KAFKA_SSL_CA && !config.KAFKA_SSL)
      missing('KAFKA_SSL_CA', 'is for TLS to the brokers: set KAFKA_SSL=true beside it')
    if (config.KAFKA_SASL_MECHANISM && !(config.KAFKA_SASL_USERNAME && config.KAFKA_SASL_PASSWORD))
      missing('KAFKA_SASL_USERNAME', 'and KAFKA_SASL_PASSWORD are needed with KAFKA_SASL_MECHANISM')
  }, EVEN_BESIDE_OTHERS)
export type PlatformConfig = z.infer<ReturnType<typeof platformConfigSchema>>
