import { monitorEventLoopDelay } from 'node:perf_hooks'
import { expect, it } from 'vitest'
import { LONGEST_MS } from '../../tests/support/loop-delay.ts'
import { parseYaml, YAML_LIMIT_BYTES } from './parse-yaml.ts'

const full = (part: string): string => part.repeat(Math.floor(YAML_LIMIT_BYTES / part.length))
const keys = Array.from({ length: 7_000 }, (_, i) => `k${i}: 1`).join('\n')

it.each([
  ['keys', keys],
  ['items', full('- 1\n')],
  ['open brackets', full('[')],
  ['quotes', full('"')],
  ['commas', `[${full(',').slice(2)}]`],
  ['empty keys', full(':\n')],
  ['directives', full('%\n')],
  ['documents', full('--- a\n')],
])('%s as far as the limit do not hold the event loop', async (_name, text) => {
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  await parseYaml(text).catch((error: Error) => expect(error).toMatchObject({ status: 422 }))
  await new Promise((resolve) => setTimeout(resolve, 20))
  delay.disable()
  expect(delay.max / 1e6).toBeLessThan(LONGEST_MS)
})

it('thousands of keys are read', async () => {
  expect(Object.keys((await parseYaml(keys)) as object)).toHaveLength(7_000)
})

it('YAML beyond its limit is refused unread', async () => {
  await expect(parseYaml(`${full('a')}aa`)).rejects.toMatchObject({ status: 413, code: 'body_too_large' })
})

it.each([
  ['a: 1\nb: 2\na: 3', 'Map keys must be unique at line 3, column 1'],
  ['x: {1: a, "1": b}', 'Map keys must be unique at line 1, column 11'],
  ['? [a]\n: 1', 'A key is a text, a number or a flag'],
])('%j is refused', async (text, detail) => {
  await expect(parseYaml(text)).rejects.toMatchObject({ status: 422, errors: [{ detail }] })
})
