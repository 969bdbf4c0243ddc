import { expect, test } from 'vitest'
import { findReplacedWords } from './find-words.ts'
import {
  countByFolder,
  createImportGraph,
  findCircles,
  findTestOnlyFiles,
  findUpwardImports,
  isProduct,
} from './import-graph.ts'
import { readSources } from './source-files.ts'

const sources = readSources(new URL('../..', import.meta.url).pathname)
const graph = createImportGraph(sources)
const product = new Map([...graph].filter(([file]) => isProduct(file)))
const source = (path: string, text: string) => ({ path, text })

const MAX_FILES = 15
/** A file for each factor. */
const LARGE_FOLDERS = ['services/scoring/core/factors']
const MAX_COMMENT = 100

/** The rooms of a service: a room may import those behind it. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  'services/scoring': [
    ...[
      'routes',
      'dead-letters',
      'queries',
      'erasure',
      'flush',
      'sources',
      'upgrade',
      'accounts',
      'log',
      'models',
      'timers',
      'core',
    ],
  ],
  'services/scoring/core': [
    ...['account', 'insights', 'evaluation', 'factors', 'codec', 'journey', 'state', 'models', 'events'],
  ],
  'services/alerting': [
    ...['routes', 'delivery', 'evaluation', 'notifications', 'alerts', 'policy', 'rules', 'endpoints', 'core'],
  ],
  'services/alerting/core': ['preview', 'delivery', 'decision', 'alert', 'conditions'],
}

test('a folder holds at most 15 product files', () => {
  const large = [...countByFolder(graph)].filter(([, files]) => files > MAX_FILES)
  expect(large.map(([folder]) => folder)).toEqual(LARGE_FOLDERS)
})

test('no imports run in a circle, types included', () => {
  expect(findCircles(product)).toEqual([])
})

test('a circle of imports over three files is found', () => {
  const files = [
    source('libs/a.ts', "import { b } from './b.ts'"),
    source('libs/b.ts', "import type { C } from './c.ts'"),
    source('libs/c.ts', "export { a } from './a.ts'"),
    source('libs/d.ts', "import { a } from './a.ts'"),
  ]
  expect(findCircles(createImportGraph(files))).toEqual([['libs/a.ts', 'libs/b.ts', 'libs/c.ts']])
})

test.each(Object.entries(ROOMS))('imports of %s run down the list of its rooms', (home, rooms) => {
  expect(findUpwardImports(product, home, rooms)).toEqual([])
})

test('an import that runs up the list of rooms, and a room that is not in it, are found', () => {
  const files = [
    source('services/x/low/a.ts', "import type { B } from '../high/b.ts'"),
    source('services/x/high/b.ts', "import { a } from '../low/a.ts'"),
    source('services/x/new/c.ts', ''),
  ]
  expect(findUpwardImports(createImportGraph(files), 'services/x', ['high', 'low'])).toEqual([
    'services/x/low/a.ts -> services/x/high/b.ts',
    'services/x/new/c.ts: no place in the order of rooms of services/x',
  ])
})

test('no product file is imported by tests alone', () => {
  expect(findTestOnlyFiles(graph)).toEqual([])
  const files = [source('libs/a.ts', ''), source('libs/a.test.ts', "import { a } from './a.ts'")]
  expect(findTestOnlyFiles(createImportGraph(files))).toEqual(['libs/a.ts'])
})

test('a line of a comment has at most 100 characters', () => {
  const long = sources.flatMap(({ path, text }) =>
    text
      .split('\n')
      .flatMap((line, i) => (/^\s*(\/\/|\/?\*)/.test(line) && line.length > MAX_COMMENT ? [`${path}:${i + 1}`] : [])),
  )
  expect(long).toEqual([])
})

test('no file name and no identifier has a word that stands for a term of the field', () => {
  const others = sources.filter(({ path }) => !path.startsWith('tests/architecture/'))
  expect(others.flatMap(findReplacedWords)).toEqual([])
})

test.each([
  ['services/alerting/judge-accounts.ts', ''],
  ['libs/a.ts', 'const toldRules = 1'],
  ['libs/a.ts', `const text = \`\${witnessOf(1)} told\``],
])('%s with %s is found', (path, text) => expect(findReplacedWords({ path, text })).toHaveLength(1))

test('public names, texts and comments may have any word', () => {
  const text = "// told\nconst row = { told: 'judge' }\nconst sql = `select told from notices`"
  expect(findReplacedWords({ path: 'libs/a.ts', text })).toEqual([])
})
