import { posix } from 'node:path'
import { IMPORT_TABLE, PACKAGE_PLACES, PLACES, type Row } from './import-table.ts'
import { codeOf, importsOf, type SourceFile } from './source-files.ts'

const MAX_LINES = 200
const MAX_TEST_LINES = 300
const DRAWERS = /(^|\/)(index|utils?|helpers?|types|managers?|common|misc)(\.[a-z.]+)?(\/|$)/
const NAMED_BY_OTHERS = new Set([
  'README.md',
  'CONTRIBUTING.md',
  'LICENSE',
  'Dockerfile',
  '.ci/run',
  'tests/former-data/README.md',
])
/**
 * Migrations, and documents named by the id they hold, are written as SQL and the API write names.
 */
const SNAKE = /^[a-z0-9_]+\.(sql|yaml)$/
const KEBAB = /^\.?[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*$/

/** A pattern of the table as a regular expression: `**` is any path, `*` one segment. */
const patternToRegExp = (pattern: string): RegExp => {
  const source = pattern
    .split(/(\*\*\/|\*\*|\*)/)
    .map((piece) => {
      if (piece === '**/') return '(?:.*/)?'
      if (piece === '**') return '.*'
      if (piece === '*') return '([^/]*)'
      return piece.replace(/[.+?^${}()|[\]\\]/g, '\\$&')
    })
    .join('')
  return new RegExp(`^${source}$`)
}

const patterns = new Map<string, RegExp>()
const match = (pattern: string, path: string): RegExpExecArray | null => {
  const known = patterns.get(pattern) ?? patternToRegExp(pattern)
  patterns.set(pattern, known)
  return known.exec(path)
}

/** What an import names, as a path from the root or a package with its subpath. */
const resolve = (path: string, specifier: string): string => {
  if (specifier.startsWith('#libs/')) return specifier.slice(1)
  if (specifier.startsWith('.')) return posix.join(posix.dirname(path), specifier)
  return specifier
}

const isTest = (path: string): boolean => path.startsWith('tests/') || path.endsWith('.test.ts')
const isOneOf = (path: string, allowed: readonly string[]): boolean => allowed.some((pattern) => match(pattern, path))
const rowOf = (path: string): Row | undefined => IMPORT_TABLE.find((row) => match(row.files, path))

const importViolations = ({ path, text }: SourceFile): string[] => {
  const row = rowOf(path)
  if (!row) return [`${path}: no row of the import table covers this file`]
  const service = match(row.files, path)?.[1] ?? ''
  const allowed = (list: readonly string[] = []) => list.map((pattern) => pattern.replace('$1', service))
  return importsOf(text).flatMap(({ specifier, typeOnly }) => {
    const target = resolve(path, specifier)
    const found: string[] = []
    if (!isOneOf(target, allowed(row.may)) && !(typeOnly && isOneOf(target, allowed(row.mayAsTypes))))
      found.push(`${path}: may not import ${target} (row ${row.files})`)
    if (specifier.startsWith('.') && target.startsWith('libs/') && !path.startsWith('libs/'))
      found.push(`${path}: imports ${specifier}, write #libs/...`)
    const places = PACKAGE_PLACES[target]
    if (places && !isTest(path) && !isOneOf(path, places))
      found.push(`${path}: ${target} belongs in ${places.join(', ') || 'no file'}`)
    return found
  })
}

const placeViolations = ({ path, text }: SourceFile): string[] => {
  if (isTest(path)) return []
  const code = codeOf(text)
  return PLACES.filter(({ used, only }) => used.test(code) && !isOneOf(path, only)).map(
    ({ what, only }) => `${path}: ${what} belongs in ${only.join(', ')}`,
  )
}

/** Every way in which a source file breaks the house rules, one sentence each. */
export const findViolations = (file: SourceFile): string[] => {
  const lines = file.text.split('\n').length - 1
  const most = isTest(file.path) ? MAX_TEST_LINES : MAX_LINES
  return [
    ...importViolations(file),
    ...placeViolations(file),
    ...(lines > most ? [`${file.path}: ${lines} lines, at most ${most}`] : []),
  ]
}

/** What is wrong with the names of a path, code or not. */
export const findNameViolations = (path: string): string[] => {
  if (NAMED_BY_OTHERS.has(path)) return []
  const odd = path.split('/').filter((segment) => !KEBAB.test(segment) && !SNAKE.test(segment))
  return [
    ...odd.map((segment) => `${path}: "${segment}" is not kebab-case`),
    ...(DRAWERS.test(path) ? [`${path}: named like a drawer, name it after the thing or the deed`] : []),
  ]
}
