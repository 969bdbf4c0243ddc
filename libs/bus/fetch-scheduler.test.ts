import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createFetchScheduler, type FetchState } from './fetch-scheduler.ts'

const LIMIT = 100
const state = (partition: number, bufferedBytes: number, behind = true): FetchState => ({
  partition,
  waitingBytes: 0,
  bufferedBytes,
  behind,
})

/** A scheduler whose partitions are full at `LIMIT` buffered bytes or half as many waiting ones. */
const setUp = (maxBufferedBytes?: number) => {
  const paused = new Set<number>()
  let states: readonly FetchState[] = []
  const scheduler = createFetchScheduler({
    inFlight: 2,
    maxBatchBytes: LIMIT / 2,
    maxBufferedBytes,
    states: () => states,
    pause: (partition) => void paused.add(partition),
    resume: (partition) => void paused.delete(partition),
  })
  const fetching = () => states.map(({ partition }) => partition).filter((partition) => !paused.has(partition))
  const fetchingOf = (now: readonly FetchState[]): number[] => {
    states = now
    scheduler.update()
    return fetching()
  }
  const set = (now: readonly FetchState[]): void => {
    states = now
  }
  return { scheduler, set, fetching, fetchingOf }
}

describe('partitions that lag', () => {
  it('fetch one at a time, each until it is full, and in turn', () => {
    const { fetchingOf } = setUp(1_000)
    const order: number[] = []
    const buffered = [0, 0, 0]
    for (let round = 0; round < 9; round++) {
      const [reader, ...others] = fetchingOf(buffered.map((bytes, partition) => state(partition, bytes)))
      expect(others).toEqual([])
      order.push(reader!)
      buffered[reader!]! += 50
      // A full partition is flushed while the next one fetches.
      for (const [partition, bytes] of buffered.entries())
        if (bytes >= LIMIT && partition !== reader) buffered[partition] = 0
    }
    expect(order).toEqual([0, 0, 1, 1, 2, 2, 0, 0, 1])
  })

  it('fetch nothing while all together buffer the shared limit', () => {
    const { fetchingOf } = setUp(150)
    expect(fetchingOf([state(0, 100), state(1, 50), state(2, 0)])).toEqual([])
    expect(fetchingOf([state(0, 0), state(1, 50), state(2, 0)])).toHaveLength(1)
  })
})

it('a partition that keeps up fetches whatever the others buffer, until it is full itself', () => {
  const { fetchingOf } = setUp(150)
  expect(fetchingOf([state(0, 100), state(1, 90, false), state(2, 100, false)])).toEqual([1])
})

it('a partition whose waiting records fill a batch fetches again once a batch has taken them', () => {
  const { scheduler, set, fetching, fetchingOf } = setUp()
  expect(fetchingOf([{ ...state(0, 50), waitingBytes: 50 }, state(1, 0)])).toEqual([1])
  set([state(0, 50), state(1, 0)])
  scheduler.onRoom()
  expect(fetching()).toEqual([0, 1])
})

it('a partition that was lost while paused fetches when it returns', () => {
  const { scheduler, fetching, fetchingOf } = setUp()
  expect(fetchingOf([state(0, LIMIT)])).toEqual([])
  scheduler.forget([0])
  expect(fetching()).toEqual([0])
})

it('a log is read to its end, whatever its partitions buffer, with and without a shared limit', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(400), { minLength: 1, maxLength: 12 }), fc.boolean(), (lengths, bounded) => {
      const { fetchingOf } = setUp(bounded ? 1_000 : undefined)
      const left = [...lengths]
      const buffered = lengths.map(() => 0)
      for (let round = 0; left.some((records) => records > 0); round++) {
        expect(round).toBeLessThan(1_000)
        const readers = fetchingOf(
          left.map((records, partition) => state(partition, buffered[partition]!, records > 0)),
        )
        for (const partition of readers) {
          const read = Math.min(30, left[partition]!)
          left[partition]! -= read
          buffered[partition]! += read
        }
        if (round % 3 === 0) buffered.fill(0)
      }
    }),
  )
})
