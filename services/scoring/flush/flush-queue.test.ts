import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { Batch } from '#libs/bus/bus.ts'
import { createManualClock } from '../../../tests/support/manual-clock.ts'
import { createFlushQueue } from './flush-queue.ts'

const NOW = 1_000_000

const batch = (partition: number, offset: number, ageMs = 0, more = ageMs > 0): Batch => ({
  topic: 'usage.events',
  partition,
  records: [{ key: '', value: Buffer.alloc(0), headers: {}, offset, timestampMs: NOW - ageMs }],
  bytes: 100,
  more,
  signal: new AbortController().signal,
  deadLetter: async () => {},
})

const recording = () => {
  const flushes: { offsets: number[]; done: () => void; fail: (error: Error) => void }[] = []
  const clock = createManualClock(NOW)
  const wireClock = createManualClock(0)
  const handle = createFlushQueue({
    clock,
    wireClock,
    mostBatches: 10,
    flush: (batches) =>
      new Promise((resolve, reject) => {
        flushes.push({ offsets: batches.map((one) => one.records[0]!.offset), done: resolve, fail: reject })
      }),
  })
  return { flushes, handle, wireClock }
}

it('flushes a batch at once when its partition is idle, and gathers those that come in the moment after', async () => {
  const { flushes, handle, wireClock } = recording()
  for (let offset = 1; offset <= 3; offset++) void handle(batch(0, offset))
  wireClock.advance(79)
  expect(flushes.map((flush) => flush.offsets)).toEqual([[1]])
  wireClock.advance(1)
  expect(flushes.map((flush) => flush.offsets)).toEqual([[1], [2, 3]])
  wireClock.advance(80)
  void handle(batch(0, 4))
  expect(flushes).toHaveLength(2)
  flushes[0]!.done()
  await turn()
  expect(flushes.map((flush) => flush.offsets)).toEqual([[1], [2, 3], [4]])
})

it('answers every batch of a failed flush with its failure, and goes on', async () => {
  const { flushes, handle, wireClock } = recording()
  const answers = [1, 2, 3].map((offset) =>
    handle(batch(0, offset)).then(
      () => 'done',
      (error: Error) => error.message,
    ),
  )
  wireClock.advance(80)
  flushes[1]!.fail(new Error('no disk'))
  flushes[0]!.done()
  expect(await Promise.all(answers)).toEqual(['done', 'no disk', 'no disk'])
  wireClock.advance(80)
  void handle(batch(0, 4))
  expect(flushes.map((flush) => flush.offsets)).toEqual([[1], [2, 3], [4]])
})

it('takes the partition that has waited longest, however much waits elsewhere', async () => {
  const { flushes, handle } = recording()
  for (const partition of [0, 1]) void handle(batch(partition, partition))
  void handle(batch(3, 100))
  for (let offset = 10; offset <= 19; offset++) void handle(batch(0, offset))
  flushes[1]!.done()
  await turn()
  expect(flushes.map((flush) => flush.offsets)).toEqual([[0], [1], [100]])
})

it('gathers old records for half of their age and at most 10 s while more come, and new ones of an idle partition never', async () => {
  const { flushes, handle, wireClock } = recording()
  for (let offset = 1; offset <= 3; offset++) void handle(batch(0, offset, 60_000))
  void handle(batch(1, 10))
  void handle(batch(2, 20, 4_000))
  expect(flushes.map((flush) => flush.offsets)).toEqual([[10]])
  wireClock.advance(1_999)
  expect(flushes).toHaveLength(1)
  wireClock.advance(1)
  expect(flushes.map((flush) => flush.offsets)).toEqual([[10], [20]])
  for (const { done } of flushes) done()
  await turn()
  wireClock.advance(7_999)
  expect(flushes).toHaveLength(2)
  wireClock.advance(1)
  expect(flushes.map((flush) => flush.offsets)).toEqual([[10], [20], [1, 2, 3]])
})

it('flushes old records at once when they are the last of the log', async () => {
  const { flushes, handle, wireClock } = recording()
  void handle(batch(0, 1, 60_000))
  expect(flushes).toHaveLength(0)
  void handle(batch(0, 2, 60_000, false))
  expect(flushes.map((flush) => flush.offsets)).toEqual([[1, 2]])
  flushes[0]!.done()
  await turn()
  // The first had a time of its own, which is over.
  wireClock.advance(80)
  void handle(batch(0, 3))
  void handle(batch(0, 4))
  wireClock.advance(80)
  expect(flushes.map((flush) => flush.offsets)).toEqual([[1, 2], [3], [4]])
})

it('does not wait for more when no more can come', async () => {
  const { flushes, handle } = recording()
  for (let offset = 1; offset <= 10; offset++) void handle(batch(0, offset, 60_000))
  expect(flushes.map((flush) => flush.offsets)).toEqual([[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]])
})
