import { expect, it } from 'vitest'
import { shareRuns } from './share-runs.ts'

it('callers share the run that has not begun; a caller during a run gets the next one', async () => {
  let runs = 0
  const finish: (() => void)[] = []
  const ask = shareRuns(
    () =>
      new Promise<number>((resolve) => {
        const run = ++runs
        finish.push(() => resolve(run))
      }),
  )
  const together = [ask(), ask()]
  await Promise.resolve()
  const later = ask()
  expect(runs).toBe(1)
  finish[0]!()
  expect(await Promise.all(together)).toEqual([1, 1])
  await new Promise((resolve) => setImmediate(resolve))
  finish[1]!()
  expect(await later).toBe(2)
})

it('a run that fails fails its own callers alone', async () => {
  let runs = 0
  const ask = shareRuns(async () => {
    if (++runs === 1) throw new Error('unavailable')
    return runs
  })
  await expect(ask()).rejects.toThrow('unavailable')
  expect(await ask()).toBe(2)
})
