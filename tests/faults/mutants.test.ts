import { expect, test } from 'vitest'
import { misfitsOf, readMutants } from './mutant.ts'

test('every planted fault still fits the source, and names a test that there is', () => {
  const mutants = readMutants()
  expect(mutants.length).toBeGreaterThan(20)
  const root = new URL('../..', import.meta.url).pathname
  for (const mutant of mutants) expect(misfitsOf(mutant, root), mutant.name).toEqual([])
})
