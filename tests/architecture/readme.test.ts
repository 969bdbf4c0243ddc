import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { settingNames } from './setting-names.ts'

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
const packageJson = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

test('README.md documents exactly the variables that are read', () => {
  const table = readme.slice(readme.indexOf('## Configuration'), readme.indexOf('## Where things are'))
  const names = table
    .split('\n')
    .flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`([A-Z_]+)`/g)].map((m) => m[1]))
  expect([...new Set(names)].sort()).toEqual(settingNames())
})

test('README.md and CONTRIBUTING.md name only scripts that exist', () => {
  const named = [...readme.matchAll(/npm run ([a-z:-]+)/g)].map((match) => match[1]!)
  expect(named.length).toBeGreaterThan(3)
  for (const script of named) expect(Object.keys(packageJson.scripts)).toContain(script)
})

test('docs/guarantees.md has a row for each promise and names only tests that exist', () => {
  const root = new URL('../..', import.meta.url)
  const text = readFileSync(new URL('docs/guarantees.md', root), 'utf8')
  const promises = [...text.matchAll(/^\| (G\d+) \|/gm)].map((match) => match[1])
  expect(promises).toEqual(Array.from({ length: 18 }, (_, i) => `G${i + 1}`))
  const named = [...text.matchAll(/`((?:tests|libs|services)\/[^`]+)`/g)].map((match) => match[1]!)
  expect(named.filter((path) => !existsSync(new URL(path, root)))).toEqual([])
})
