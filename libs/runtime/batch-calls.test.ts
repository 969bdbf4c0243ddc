import { expect, it } from 'vitest'
import { type BatchOptions, batchCalls } from './batch-calls.ts'

const set = (options: Partial<BatchOptions<number>> = {}) => {
  const batches: (readonly number[])[] = []
  const finish: (() => void)[] = []
  const calls = batchCalls<number>({
    handle: (batch) => {
      batches.push(batch)
      return new Promise((resolve) => {
        finish.push(resolve)
      })
    },
    sizesOf: (call) => [1, call],
    maxSizes: [3, 100],
    gather: () => Promise.resolve(),
    ...options,
  })
  const settled = () => new Promise((resolve) => setImmediate(resolve))
  return { batches, finish, settled, ...calls }
}

it('calls made together share a batch, and calls made meanwhile form the next one', async () => {
  const { call, batches, finish, settled, drained, pending } = set()
  const first = [call(1), call(2)]
  await settled()
  void call(3)
  await settled()
  expect(batches).toEqual([[1, 2]])
  expect(pending()).toEqual([3, 6])
  finish[0]!()
  await Promise.all(first)
  await settled()
  expect(batches).toEqual([[1, 2], [3]])
  finish[1]!()
  await drained()
  expect(pending()).toEqual([0, 0])
})

it('a batch ends at the first bound that it reaches; a call beyond a bound is a batch of its own', async () => {
  const { call, batches, finish, settled } = set()
  for (const size of [1, 2, 3, 4, 60, 60, 500]) void call(size)
  for (let turn = 0; turn < 4; turn++) {
    await settled()
    finish.at(-1)!()
  }
  await settled()
  expect(batches).toEqual([[1, 2, 3], [4, 60], [60], [500]])
})

it('a second batch begins beside the first only when the waiting calls fill it', async () => {
  const { call, batches, settled } = set({ maxAtOnce: 2 })
  void call(1)
  await settled()
  void call(2)
  await settled()
  expect(batches).toEqual([[1]])
  for (const size of [3, 4, 5]) void call(size)
  await settled()
  expect(batches).toEqual([[1], [2, 3, 4]])
})

it('after a failure that isolates each call is handled alone; any other failure is the failure of all', async () => {
  const handle = async (batch: readonly number[]): Promise<void> => {
    if (batch.includes(13)) throw new Error('bad call')
  }
  const together = set({ handle })
  expect((await Promise.allSettled([1, 13, 2].map(together.call))).map(({ status }) => status)).toEqual([
    'rejected',
    'rejected',
    'rejected',
  ])
  const isolating = set({ handle, isolates: () => true })
  expect((await Promise.allSettled([1, 13, 2].map(isolating.call))).map(({ status }) => status)).toEqual([
    'fulfilled',
    'rejected',
    'fulfilled',
  ])
})
