import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { RequestError } from '#libs/runtime/errors.ts'
import { checkModel, loadDefaultModel, parseModel } from './model-document.ts'

const shipped = readFileSync(join(import.meta.dirname, 'default.yaml'), 'utf8')
type Place = { [key: string]: Place }
/** The shipped document with another value at a path; undefined takes it away. */
const changed = (path: string, value: unknown): unknown => {
  const document = parse(shipped) as Place
  const keys = path.split('.')
  const last = keys.pop()!
  const place = keys.reduce((at, key) => at[key]!, document)
  if (value === undefined) delete place[last]
  else Object.assign(place, { [last]: value })
  return document
}
const pointers = (document: unknown): string[] => {
  const checked = checkModel(document)
  return 'errors' in checked ? checked.errors.map(({ pointer }) => pointer) : []
}

test('the shipped model is a document like any other, with all 19 factors', () => {
  const model = loadDefaultModel()
  expect(model.groups.flatMap(({ factors }) => factors)).toHaveLength(19)
  expect(parseModel(JSON.stringify(parse(shipped)))).toEqual(model)
})

const factor = parse(shipped).groups[1].factors[0] as unknown

test.each<[string, string, string, unknown]>([
  ['weights of a stage that miss 100', '/groups', 'groups.1.weights.adoption', 36],
  ['weights of a group that miss 100', '/groups/2/factors', 'groups.2.factors.0.weight', 61],
  ['an unknown factor', '/groups/1/factors/0/name', 'groups.1.factors.0.name', 'usage.magic'],
  ['a factor in the wrong group', '/groups/1/factors/1/name', 'groups.1.factors.1.name', 'sentiment.nps'],
  ['a factor listed twice', '/groups/1/factors/1/name', 'groups.1.factors.1', factor],
  ['a factor without its curve', '/groups/1/factors/0/curve', 'groups.1.factors.0.curve', undefined],
  ['a setting that is missing', '/groups/1/factors/2/settings/offset', 'groups.1.factors.2.settings.offset', undefined],
  ['a curve that turns back', '/groups/1/factors/0/curve/2/0', 'groups.1.factors.0.curve.2.0', 0.1],
  ['points above 100', '/groups/1/factors/0/curve/3/1', 'groups.1.factors.0.curve.3.1', 101],
  ['a window of half a day', '/groups/1/factors/0/windowDays', 'groups.1.factors.0.windowDays', 0.5],
  ['bands in the wrong order', '/bands', 'bands.watch', 80],
  ['an unknown key', '', 'smoothing', true],
  ['a cap that does not exist', '/caps/0/name', 'caps.0.name', 'bad_mood'],
  ['a group that is missing', '/groups', 'groups', parse(shipped).groups.slice(1)],
  ['an unknown group', '/sources/a~1b/groups/0', 'sources.a/b', { groups: ['x'], expectedIntervalHours: 1 }],
])('%s is refused, pointing at %s', (_, pointer, path, value) => {
  expect(pointers(changed(path, value))).toContain(pointer)
})

test('text that is not YAML, and a document that is not a model, are refused with the caller’s errors', () => {
  for (const source of ['a: [', 'just text', '[]', '', '&a [*a, *a]']) {
    expect(() => parseModel(source)).toThrow(RequestError)
  }
})
