import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { RequestError } from '#libs/runtime/errors.ts'
import { checkModel, loadDefaultModel, parseModel } from './model-document.ts'

const shipped = readFileSync(join(import.meta.dirname, 'models', 'default.yaml'), 'utf8')
/** The shipped document with changes made to it. */
const changed = (change: (document: any) => void): unknown => {
  const document = parse(shipped)
  change(document)
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

test.each<[string, string, (document: any) => void]>([
  ['weights of a stage that miss 100', '/groups', (d) => (d.groups[1].weights.adoption = 36)],
  ['weights of a group that miss 100', '/groups/2/factors', (d) => (d.groups[2].factors[0].weight = 61)],
  ['an unknown factor', '/groups/1/factors/0/name', (d) => (d.groups[1].factors[0].name = 'usage.magic')],
  ['a factor in the wrong group', '/groups/1/factors/1/name', (d) => (d.groups[1].factors[1].name = 'sentiment.nps')],
  ['a factor listed twice', '/groups/1/factors/1/name', (d) => (d.groups[1].factors[1] = d.groups[1].factors[0])],
  ['a factor without its curve', '/groups/1/factors/0/curve', (d) => delete d.groups[1].factors[0].curve],
  [
    'a setting that is missing',
    '/groups/1/factors/2/settings/offset',
    (d) => delete d.groups[1].factors[2].settings.offset,
  ],
  ['a curve that turns back', '/groups/1/factors/0/curve/2/0', (d) => (d.groups[1].factors[0].curve[2][0] = 0.1)],
  ['points above 100', '/groups/1/factors/0/curve/3/1', (d) => (d.groups[1].factors[0].curve[3][1] = 101)],
  ['a window of half a day', '/groups/1/factors/0/windowDays', (d) => (d.groups[1].factors[0].windowDays = 0.5)],
  ['bands in the wrong order', '/bands', (d) => (d.bands.watch = 80)],
  ['an unknown key', '', (d) => (d.smoothing = true)],
  ['a cap that does not exist', '/caps/0/name', (d) => (d.caps[0].name = 'bad_mood')],
  ['a group that is missing', '/groups', (d) => d.groups.pop()],
  [
    'a source of an unknown group',
    '/sources/a~1b/groups/0',
    (d) => (d.sources = { 'a/b': { groups: ['x'], expectedIntervalHours: 1 } }),
  ],
])('%s is refused, pointing at %s', (_, pointer, change) => {
  expect(pointers(changed(change))).toContain(pointer)
})

test('text that is no YAML, and a document that is no model, are the caller’s mistakes', () => {
  for (const source of ['a: [', 'just text', '[]', '', '&a [*a, *a]']) {
    expect(() => parseModel(source)).toThrow(RequestError)
  }
})
