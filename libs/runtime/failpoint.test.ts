import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { afterEach, expect, test } from 'vitest'
import { eventually } from '../../tests/support/eventually.ts'
import { armFailpoints, failpoint, parseFailpoint } from './failpoint.ts'

afterEach(() => armFailpoints([]))
const point = (text: string) => parseFailpoint(text)!

test('a failpoint is written as a name, an effect and the hit that does it', () => {
  expect(parseFailpoint('a.b_c.d=kill')).toEqual({ name: 'a.b_c.d', effect: 'kill', sleepMs: 0, hit: 1 })
  expect(parseFailpoint(' a=throw@3')).toEqual({ name: 'a', effect: 'throw', sleepMs: 0, hit: 3 })
  expect(parseFailpoint('a=sleep:2s@2')).toEqual({ name: 'a', effect: 'sleep', sleepMs: 2_000, hit: 2 })
  for (const bad of ['', 'a', 'a=', 'a=maim', 'a=kill@0', 'a=kill:1s', 'a=sleep', 'a=sleep:1h', 'A=kill'])
    expect(parseFailpoint(bad), bad).toBeUndefined()
})

test('a failpoint that is not armed answers nothing, and does not count as a hit of another', () => {
  expect(failpoint('a')).toBeUndefined()
  armFailpoints([point('b=throw')])
  expect(failpoint('a')).toBeUndefined()
  expect(() => failpoint('b')).toThrow('failpoint b')
})

test('a place that awaits its failpoint waits for the function that a test put there', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  armFailpoints([{ name: 'a', effect: () => promise, sleepMs: 0, hit: 1 }])
  const reached = failpoint('a')
  const waits = Promise.race([reached?.then(() => 'went on'), Promise.resolve('waits')])
  expect(await waits).toBe('waits')
  resolve()
  expect(await reached).toBeUndefined()
})

test('the effect is done at the hit that was asked for, once', () => {
  armFailpoints([point('a=throw@2'), point('a=throw@4')])
  const outcomes = [1, 2, 3, 4, 5].map(() => {
    try {
      failpoint('a')
      return 'passed'
    } catch (error) {
      return (error as Error).message
    }
  })
  expect(outcomes).toEqual(['passed', 'failpoint a', 'passed', 'failpoint a', 'passed'])
})

test('asleep, the process does nothing else', () => {
  armFailpoints([point('a=sleep:60ms')])
  const startedAt = performance.now()
  failpoint('a')
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(59)
})

/** What a process does around a failpoint that is armed with that effect. */
const program = (effect: string): string => {
  const module = JSON.stringify(new URL('./failpoint.ts', import.meta.url).href)
  return `import { armFailpoints, failpoint, parseFailpoint } from ${module}
    armFailpoints([parseFailpoint('a=${effect}')])
    process.stdout.write('before\\n')
    failpoint('a')
    process.stdout.write('after\\n')`
}
const run = (effect: string) => {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program(effect)], { stdio: 'pipe' })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
  return { child, output: () => output, ended: once(child, 'close') }
}

test('a kill lets not one more line run', async () => {
  const { output, ended } = run('kill')
  expect(await ended).toEqual([null, 'SIGKILL'])
  expect(output()).toContain('failpoint a: kill at hit 1')
  expect(output()).not.toContain('after')
})

test('a stop lasts until somebody lets the process go on', async () => {
  const { child, output, ended } = run('stop')
  const isStopped = () => readFileSync(`/proc/${child.pid}/stat`, 'utf8').includes(') T ')
  await eventually('it is stopped', isStopped)
  expect(output()).not.toContain('after')
  child.kill('SIGCONT')
  expect(await ended).toEqual([0, null])
  expect(output()).toContain('after')
})
