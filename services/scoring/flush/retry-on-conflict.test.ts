import { expect, test } from 'vitest'
import { UnavailableError } from '#libs/runtime/errors.ts'
import { retryOnConflict } from './retry-on-conflict.ts'

const failing = (error: Error, times: number) => {
  const work = Object.assign(
    async () => {
      work.tries += 1
      if (work.tries <= times) throw error
      return 'done'
    },
    { tries: 0 },
  )
  return work
}

test.each([
  ['a flush', new UnavailableError('written by another', { cause: Object.assign(new Error(), { code: 'PU409' }) })],
  ['a deadlock', Object.assign(new Error('deadlock'), { code: '40P01' })],
])('a change that meets %s is tried again', async (_, error) => {
  const work = failing(error, 4)
  expect(await retryOnConflict(work)).toBe('done')
  expect(work.tries).toBe(5)
})

test('a change whose commit has an unknown end is not done a second time', async () => {
  const lost = new UnavailableError('PostgreSQL is not available', { cause: new Error('Connection terminated') })
  const work = failing(lost, 1)
  await expect(retryOnConflict(work)).rejects.toBe(lost)
  expect(work.tries).toBe(1)
})
