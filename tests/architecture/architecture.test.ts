import { expect, test } from 'vitest'
import { findNameViolations, findViolations } from './find-violations.ts'
import { listFiles, readSources } from './source-files.ts'

const root = new URL('../..', import.meta.url).pathname

test('every file imports only what the table allows, keeps to its place and its size', () => {
  const sources = readSources(root)
  expect(sources.length).toBeGreaterThan(50)
  expect(sources.flatMap(findViolations)).toEqual([])
})

test('every file and folder is named in kebab-case after what it holds', () => {
  expect(listFiles(root).flatMap(findNameViolations)).toEqual([])
})

const planted: [string, string, string][] = [
  [
    'a service that imports another',
    'services/alerting/rules/rule-store.ts',
    "import { score } from '../../scoring/score.ts'",
  ],
  ['a core that imports the world', 'services/scoring/core/state/fold.ts', "import { readFileSync } from 'node:fs'"],
  [
    'a core that needs a contract to run',
    'services/scoring/core/state/fold.ts',
    "import { BANDS } from '#libs/contracts/account-health.ts'",
  ],
  [
    'a library that knows a service',
    'libs/http/server.ts',
    "import { ingest } from '../../services/ingest/service.ts'",
  ],
  [
    'shared code reached by a relative path',
    'services/ingest/service.ts',
    "import type { Bus } from '../../libs/bus/bus.ts'",
  ],
  ['the driver outside its adapter', 'services/scoring/accounts/account-store.ts', "import pg from 'pg'"],
  ['the driver loaded late', 'libs/postgres/migrate.ts', "const pg = await import('pg')"],
  ['a Kafka client outside its adapter', 'libs/bus/postgres/bus.ts', "import { Kafka } from 'kafkajs'"],
  ['a re-export of another service', 'services/ingest/service.ts', "export { rules } from '../alerting/rules.ts'"],
  ['an import over several lines', 'services/ingest/service.ts', "import {\n  a,\n  b,\n} from '../alerting/rules.ts'"],
  ['real time in logic', 'services/scoring/flush.ts', 'const now = Date.now()'],
  ['today from nowhere', 'libs/http/server.ts', 'const now = new Date()'],
  ['a timer of its own', 'libs/bus/postgres/bus.ts', 'setTimeout(poll, 100)'],
  ['a memo dropped by hand', 'services/scoring/core/state/fold-traits.ts', 'state.memo.timeline = undefined'],
  ['the environment read in passing', 'services/ingest/config.ts', 'const brokers = process.env.KAFKA_BROKERS'],
  ['an exit in the middle', 'libs/app/app.ts', 'process.exit(1)'],
  ['a room that is not in the table', 'libs/misc-things/thing.ts', 'export const a = 1'],
  ['a file of 201 lines', 'libs/http/server.ts', '\n'.repeat(201)],
  ['a test of 301 lines', 'libs/http/server.test.ts', '\n'.repeat(301)],
]

test.each(planted)('%s is found', (_, path, text) => {
  expect(findViolations({ path, text })).not.toEqual([])
})

test('formatting a given instant, and prose about clocks, is no use of the clock', () => {
  const text = "// never Date.now() here\nexport const at = (ms: number) => new Date(ms).toISOString() + 'setTimeout('"
  expect(findViolations({ path: 'libs/http/pages.ts', text })).toEqual([])
})

test.each([
  'libs/http/index.ts',
  'services/ingest/utils/parse.ts',
  'libs/http/HttpServer.ts',
  'libs/http/http_server.ts',
])('%s is no name for a file', (path) => expect(findNameViolations(path)).not.toEqual([]))
