import { describe, expect, it } from 'vitest'
import { createMemoryCache } from '#libs/cache/memory-cache.ts'
import { systemClock } from '#libs/runtime/clock.ts'
import { createManualClock } from '../support/manual-clock.ts'
import { itIsACache } from './cache.contract.ts'

describe('the cache in memory', () => {
  const cache = createMemoryCache({ clock: systemClock })
  itIsACache(async () => cache)

  it('holds a bounded number of counters, and forgets the oldest', async () => {
    const bounded = createMemoryCache({ clock: createManualClock(0) })
    await bounded.count('first', 1_000)
    for (let name = 0; name < 20_000; name++) await bounded.count(String(name), 1_000)
    expect((await bounded.count('first', 1_000)).count).toBe(1)
    expect((await bounded.count('19999', 1_000)).count).toBe(2)
  })

  it('a clock that is set back does not stretch a window', async () => {
    let now = 1_000_000
    const cache = createMemoryCache({ clock: { now: () => now, after: systemClock.after } })
    await cache.count('a', 1_000)
    now = 0
    expect(await cache.count('a', 1_000)).toEqual({ count: 1, endsInMs: 1_000 })
  })
})
