import { expect, test } from 'vitest'
import { claimShares, fairShare } from './fair-share.ts'

/** What each of so many holders has when none can take more. */
const settled = (most: number, holders: number): readonly number[] => {
  const own = Array.from({ length: holders }, () => 0)
  const used = () => own.reduce((sum, count) => sum + count, 0)
  for (let more = true; more; ) {
    more = false
    own.forEach((count, i) => {
      if (fairShare({ most, used: used(), own: count }) === 0) return
      own[i]!++
      more = true
    })
  }
  return own
}

test('a holder alone takes half, and many greedy ones leave a share to the next', () => {
  expect(settled(128, 1)).toEqual([64])
  for (const holders of [2, 5, 20]) {
    const own = settled(128, holders)
    const free = 128 - own.reduce((sum, count) => sum + count, 0)
    expect(free).toBeGreaterThanOrEqual(Math.floor(128 / (holders + 1)))
  }
})

test('when all but the reserve is claimed, only holders of next to nothing may claim', () => {
  const full = claimShares(2_048, 1_536)
  expect([full.limit, full.of(0), full.of(3), full.of(4), full.of(100)]).toEqual([512, 4, 1, 0, 0])
  expect(claimShares(2_048, 2_048).limit).toBe(0)
  expect(claimShares(2_048, 0)).toMatchObject({ limit: 1_536 })
  expect(claimShares(2_048, 0).of(0)).toBe(768)
})
