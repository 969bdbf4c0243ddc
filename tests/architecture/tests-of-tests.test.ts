import { expect, test } from 'vitest'
import { codeOf, readSources } from './source-files.ts'

const root = new URL('../..', import.meta.url).pathname
const suites = readSources(root).filter(
  ({ path }) => /\.(test|contract)\.ts$/.test(path) && !path.includes('architecture/'),
)

/** A test begins on a line of its own, as the formatter writes it, and reaches to the next. */
const testsOf = (text: string): string[] => text.split(/\n(?= *(?:test|it)(?:\.\w+)?\()/).slice(1)

/**
 * Where the length of a wait is what is tested, and not a guess of when something will have
 * happened.
 */
const WAITS: ReadonlyMap<string, string> = new Map([
  ['libs/http/parse-yaml.test.ts', 'the delay of the event loop is sampled at an interval'],
  ['services/alerting/delivery/fair-delivery.test.ts', 'calls that must not come would come in that time'],
  ['tests/e2e/limits-of-tenant.test.ts', 'the delay of the event loop is sampled at an interval'],
  ['libs/http/limits/door.test.ts', 'bodies arrive slowly'],
  ['tests/contract/bus-crash.contract.ts', 'an outage has a length, and positions are committed at an interval'],
  ['tests/e2e/overload.test.ts', 'a flood lasts for a while, and its senders pause'],
])

test('every test asserts something where it can be seen: by expect, or a helper that is named so', () => {
  const blind = suites.flatMap(({ path, text }) =>
    testsOf(text)
      .filter((one) => !/\bexpect/.test(one))
      .map((one) => `${path}: ${one.trim().split('\n')[0]}`),
  )
  expect(suites.length).toBeGreaterThan(50)
  expect(blind).toEqual([])
})

test('no test waits for a fixed time, but those whose subject is time', () => {
  const sleepy = suites.filter(
    ({ path, text }) => !WAITS.has(path) && /\bpause\(|setTimeout\(resolve/.test(codeOf(text)),
  )
  expect(sleepy.map(({ path }) => path)).toEqual([])
})
