import { expect, it } from 'vitest'
import { eventually } from '../../tests/support/eventually.ts'
import { createManualClock } from '../../tests/support/manual-clock.ts'
import { silentLogger } from './logger.ts'
import { repeat, stuckWork } from './repeat.ts'

const set = (tick: (run: number) => Promise<number | undefined>) => {
  const clock = createManualClock(0)
  let runs = 0
  const loop = repeat({ clock, logger: silentLogger, everyMs: 100, retryMs: 1_000, failure: 'run failed' }, () =>
    tick(++runs),
  )
  return {
    clock,
    loop,
    runs: () => runs,
    reach: (wanted: number) => eventually(`run ${wanted}`, () => runs === wanted),
  }
}

it('a run begins at the start, and again after each pause', async () => {
  const { clock, loop, runs, reach } = set(async () => undefined)
  expect(runs()).toBe(0)
  loop.start()
  await reach(1)
  clock.advance(99)
  expect(runs()).toBe(1)
  clock.advance(1)
  await reach(2)
  await loop.stop()
})

it('a run that fails is tried again after its own pause, and a run may choose the pause itself', async () => {
  const { clock, loop, runs, reach } = set(async (run) => {
    if (run === 1) throw new Error('unavailable')
    return run === 2 ? 0 : 5_000
  })
  loop.start()
  await reach(1)
  await eventually('run 3', () => {
    clock.advance(100)
    return runs() === 3
  })
  expect(clock.now()).toBeGreaterThanOrEqual(1_000)
  await loop.stop()
})

it('a wake ends the pause; a stop waits for the run under way, and no run begins after it', async () => {
  let finish = (): void => {}
  const { loop, runs, reach } = set(
    (run) =>
      new Promise((resolve) => {
        finish = () => resolve(undefined)
        if (run === 1) finish()
      }),
  )
  loop.start()
  await reach(1)
  loop.wake()
  await reach(2)
  const stopped = loop.stop()
  finish()
  await stopped
  expect(runs()).toBe(2)
})

it('a run that must end and does not is known as stuck, until it ends', async () => {
  let end = (): void => {}
  const options = { clock: createManualClock(0), logger: silentLogger, everyMs: 100 }
  const loop = repeat(
    { ...options, mustEnd: true, failure: 'a run that hangs' },
    () => new Promise((resolve) => (end = () => resolve(undefined))),
  )
  const other = repeat({ ...options, failure: 'a run that may be long' }, () => new Promise(() => {}))
  loop.start()
  other.start()
  expect(stuckWork(0)).toEqual(['a run that hangs'])
  expect(stuckWork()).toEqual([])
  end()
  await loop.stop()
  expect(stuckWork(0)).toEqual([])
})
