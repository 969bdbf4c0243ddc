/**
 * Who may import whom. The first row whose `files` matches a path decides; a file that matches no
 * row fails. `may` lists what its imports may resolve to: paths from the root, `node:` modules or
 * packages; `*` is one segment, `**` any number. `$1` is what the first `*` of `files` stood for.
 */
export type Row = {
  readonly files: string
  readonly may: readonly string[]
  /** May be imported as types only. */
  readonly mayAsTypes?: readonly string[]
}

const TEST_TOOLS = ['vitest', 'fast-check', 'uuid', 'tests/support/**', 'node:*', 'node:*/*']
const VALIDATION = ['zod', 'ajv', 'ajv/**', 'ajv-formats', 'yaml']
const HTTP = ['fastify', 'fastify/**', 'fastify-plugin', 'fastify-type-provider-zod', '@fastify/*']
const VALIDATORS = ['ajv/**', '@asyncapi/parser', '@seriousme/openapi-schema-validator']
const LIBS_FOR_SERVICES = [
  'libs/contracts/*',
  'libs/runtime/*',
  'libs/time/*',
  'libs/bytes/*',
  'libs/bus/**',
  'libs/postgres/**',
  'libs/http/**',
  'libs/access/**',
]

/** Constants and arithmetic without IO: the cores stand on them too. */
const PURE_LIBS = [
  'libs/contracts/event-limits.ts',
  'libs/contracts/facts.ts',
  'libs/contracts/record-version.ts',
  'libs/contracts/sequence.ts',
  'libs/contracts/severity.ts',
  'libs/contracts/subscription-kinds.ts',
  'libs/runtime/durations.ts',
  'libs/contracts/three-valued.ts',
  'libs/time/*',
]

export const IMPORT_TABLE: readonly Row[] = [
  // The core thinks: no IO, no clock, nothing but itself and the shape of the contracts (hashing is
  // arithmetic too).
  {
    files: 'services/*/core/**/*.test.ts',
    may: [
      'services/$1/**',
      'libs/contracts/*',
      'libs/runtime/*',
      'libs/time/*',
      'yaml',
      'standardwebhooks',
      'svix',
      ...TEST_TOOLS,
    ],
  },
  {
    files: 'services/*/core/**',
    may: ['services/$1/core/**', ...PURE_LIBS, 'node:crypto'],
    mayAsTypes: ['libs/contracts/*'],
  },

  // One process with everything: the only place that knows all services.
  {
    files: 'services/all/**',
    may: [
      'services/*/service.ts',
      'services/all/**',
      'libs/**',
      'package.json',
      'node:*',
      'node:*/*',
      'standardwebhooks',
      ...VALIDATORS,
    ],
  },
  { files: 'services/*/main.ts', may: ['services/$1/service.ts', 'libs/app/main.ts'] },
  {
    files: 'services/*/**/*.test.ts',
    may: [
      'services/$1/**',
      'libs/**',
      'tests/faults/failpoint-names.ts',
      '@segment/*',
      'lz-string',
      'standardwebhooks',
      'svix',
      ...HTTP,
      ...VALIDATION,
      ...TEST_TOOLS,
    ],
  },
  {
    files: 'services/*/**',
    may: [
      'services/$1/**',
      ...LIBS_FOR_SERVICES,
      ...HTTP,
      ...VALIDATION,
      'lru-cache',
      'lz-string',
      'undici',
      'ipaddr.js',
      'node:*',
      'node:*/*',
    ],
  },

  // Shared code knows no service; below, each room names the rooms it stands on.
  { files: 'libs/contracts/*.test.ts', may: ['libs/contracts/*', ...TEST_TOOLS, ...VALIDATION] },
  { files: 'libs/contracts/*', may: ['libs/contracts/*', 'libs/runtime/durations.ts', 'zod'] },
  {
    files: 'libs/*/**/*.test.ts',
    may: ['libs/**', ...HTTP, ...VALIDATION, 'kafkajs', 'kafkajs/**', 'pino', ...TEST_TOOLS],
  },
  {
    files: 'libs/runtime/*',
    may: ['libs/runtime/*', 'zod', 'pino', 'prom-client', 'uuid', 'node:*'],
    mayAsTypes: [
      'fastify',
      'libs/access/keyring.ts',
      'libs/access/tombstones.ts',
      'libs/bus/bus.ts',
      'libs/contracts/*',
      'libs/postgres/database.ts',
    ],
  },
  {
    files: 'libs/bus/**',
    may: [
      'libs/bus/**',
      'libs/bytes/*',
      'libs/runtime/*',
      'libs/contracts/*',
      'kafkajs',
      'kafkajs/**',
      'kafkajs-snappy',
      'node:*',
    ],
    mayAsTypes: ['libs/postgres/database.ts'],
  },
  {
    files: 'libs/postgres/**',
    may: ['libs/postgres/**', 'libs/bytes/*', 'libs/runtime/*', 'pg', 'node-pg-migrate', 'node:*', 'node:*/*'],
    mayAsTypes: ['libs/bus/bus.ts', 'libs/contracts/*'],
  },
  { files: 'libs/bytes/*', may: ['libs/bytes/*', 'node:*'] },
  { files: 'libs/time/*', may: ['libs/time/*', 'libs/runtime/durations.ts', 'lru-cache', 'temporal-polyfill'] },
  {
    files: 'libs/access/**',
    may: [
      'libs/access/**',
      'libs/runtime/*',
      'libs/time/*',
      'libs/postgres/**',
      'libs/http/**',
      ...HTTP,
      'lru-cache',
      'zod',
      'node:*',
      'node:*/*',
    ],
  },
  {
    files: 'libs/http/**',
    may: [
      'libs/http/**',
      'libs/runtime/*',
      'libs/access/keyring.ts',
      'ioredis',
      'ipaddr.js',
      'lru-cache',
      'rate-limiter-flexible',
      'prom-client',
      ...HTTP,
      ...VALIDATION,
      'node:*',
      'node:*/*',
    ],
  },
  { files: 'libs/app/**', may: ['libs/**', 'package.json', ...HTTP, 'zod', 'node:*', 'node:*/*'] },

  // Tests look at the system from outside and may use anything.
  { files: 'tests/**', may: ['**'] },
  { files: 'vitest.config.ts', may: ['vitest/config'] },
]

/** Packages and words of the language that have one place each. Tests are free. */
export type Place = { readonly what: string; readonly used: RegExp; readonly only: readonly string[] }

export const PLACES: readonly Place[] = [
  { what: 'the environment', used: /\bprocess\.env\b/, only: ['libs/app/main.ts', 'services/all/demo.ts'] },
  {
    what: 'ending the process',
    used: /\bprocess\.(exit|exitCode|on|once|kill)\b/,
    only: ['libs/app/main.ts', 'libs/runtime/failpoint.ts', 'services/all/*.ts', 'libs/postgres/embedded/*.ts'],
  },
  {
    what: 'the time of day',
    used: /\bDate\.now\b|\bnew Date\(\s*\)|\bperformance\.now\b/,
    only: ['libs/runtime/clock.ts'],
  },
  { what: 'timers', used: /\bset(Timeout|Interval)\(/, only: ['libs/runtime/clock.ts'] },
  {
    what: 'a memo of an account state',
    used: /\bmemo\.\w/,
    only: [
      'services/scoring/core/state/memo.ts',
      'services/scoring/core/state/subscription-ledger.ts',
      'services/scoring/core/journey/stage-timeline.ts',
      'services/scoring/core/codec/state-codec.ts',
    ],
  },
  { what: 'outbound HTTP', used: /(?<![.\w])fetch\(/, only: ['services/all/**'] },
]

export const PACKAGE_PLACES: Readonly<Record<string, readonly string[]>> = {
  pg: ['libs/postgres/pg-*.ts'],
  kafkajs: ['libs/bus/kafka/**'],
  'kafkajs-snappy': ['libs/bus/kafka/**'],
  ioredis: ['libs/http/limits/request-counter.ts'],
  undici: ['services/alerting/endpoints/*.ts'],
  'node:http': ['libs/http/**', 'services/all/**'],
  'node:https': [],
  'node:timers': [],
  'node:timers/promises': [],
  'node-pg-migrate': ['libs/postgres/migrate.ts'],
}
