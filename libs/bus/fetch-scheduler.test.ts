import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createReadingTurns, type Holding } from './fetch-scheduler.ts'

const LIMIT = 100
const holding = (partition: number, bufferedBytes: number, behind = true): Holding => ({
  partition,
  bufferedBytes,
  fullness: bufferedBytes / LIMIT,
  behind,
})

describe('partitions that are behind', () => {
  it('read one at a time, each until it is full, and in turn', () => {
    const readersOf = createReadingTurns(1_000)
    const order: number[] = []
    const held = [0, 0, 0]
    for (let round = 0; round < 9; round++) {
      const [reader, ...others] = readersOf(held.map((bytes, partition) => holding(partition, bytes)))
      expect(others).toEqual([])
      order.push(reader!)
      held[reader!]! += 50
      // What is full is flushed while the next one reads.
      for (const [partition, bytes] of held.entries()) if (bytes >= LIMIT && partition !== reader) held[partition] = 0
    }
    expect(order).toEqual([0, 0, 1, 1, 2, 2, 0, 0, 1])
  })

  it('read nothing while all together hold what they may', () => {
    const readersOf = createReadingTurns(150)
    expect([...readersOf([holding(0, 100), holding(1, 50), holding(2, 0)])]).toEqual([])
    expect([...readersOf([holding(0, 0), holding(1, 50), holding(2, 0)])]).toHaveLength(1)
  })
})

it('a partition that is not behind reads whatever the others hold, until it is full itself', () => {
  const readersOf = createReadingTurns(150)
  expect([...readersOf([holding(0, 100), holding(1, 90, false), holding(2, 100, false)])]).toEqual([1])
})

it('a log is read to its end, whatever its partitions hold, with and without a common bound', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(400), { minLength: 1, maxLength: 12 }), fc.boolean(), (lengths, bounded) => {
      const readersOf = createReadingTurns(bounded ? 1_000 : undefined)
      const left = [...lengths]
      const held = lengths.map(() => 0)
      for (let round = 0; left.some((records) => records > 0); round++) {
        expect(round).toBeLessThan(1_000)
        const readers = readersOf(left.map((records, partition) => holding(partition, held[partition]!, records > 0)))
        for (const partition of readers) {
          const read = Math.min(30, left[partition]!)
          left[partition]! -= read
          held[partition]! += read
        }
        if (round % 3 === 0) held.fill(0)
      }
    }),
  )
})
