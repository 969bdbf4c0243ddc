import { expect, test } from 'vitest'
import { monotonicMs } from './clock.ts'
import { createTimeSlices } from './time-slices.ts'

const work = async (pieces: number, note: (piece: number) => void): Promise<void> => {
  const slices = createTimeSlices()
  for (let piece = 0; piece < pieces; piece++) {
    note(piece)
    while (!slices.isOver());
    await slices.next()
  }
}

test('eight long pieces of work take turns, one slice to a turn of the event loop', async () => {
  const order: number[] = []
  let turns = 0
  let isDone = false
  const count = (): void => {
    turns++
    if (!isDone) setImmediate(count)
  }
  setImmediate(count)
  await Promise.all(Array.from({ length: 8 }, (_, worker) => work(3, () => order.push(worker))))
  isDone = true
  expect(order).toEqual([0, 1, 2].flatMap(() => [0, 1, 2, 3, 4, 5, 6, 7]))
  // The first slices begin at once, each of the others in a turn of its own.
  expect(turns).toBeGreaterThanOrEqual(16)
})

test('a slice is over after a few milliseconds', async () => {
  const slices = createTimeSlices()
  expect(slices.isOver()).toBe(false)
  const startedAt = monotonicMs()
  while (!slices.isOver());
  expect(monotonicMs() - startedAt).toBeLessThan(20)
  await slices.next()
  expect(slices.isOver()).toBe(false)
})
