import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { Cache } from '#libs/cache/cache.ts'
import { newId } from '#libs/runtime/ids.ts'

/** What every cache promises. */
export const itIsACache = (open: () => Promise<Cache>): void => {
  it('counts up from one, each name for itself', async () => {
    const [a, b] = [newId(), newId()]
    const cache = await open()
    expect((await cache.count(a, 60_000)).count).toBe(1)
    expect((await cache.count(a, 60_000)).count).toBe(2)
    expect((await cache.count(b, 60_000)).count).toBe(1)
  })

  it('counts made at the same time are all counted', async () => {
    const name = newId()
    const cache = await open()
    const counts = await Promise.all(Array.from({ length: 200 }, () => cache.count(name, 60_000)))
    expect(Math.max(...counts.map(({ count }) => count))).toBe(200)
  })

  it('says when the counter ends, which later counts do not put off, and starts anew then', async () => {
    const name = newId()
    const cache = await open()
    const first = await cache.count(name, 400)
    expect(first.endsInMs).toBeGreaterThan(0)
    expect(first.endsInMs).toBeLessThanOrEqual(400)
    await pause(200)
    expect((await cache.count(name, 400)).endsInMs).toBeLessThanOrEqual(250)
    await pause(300)
    expect((await cache.count(name, 400)).count).toBe(1)
  })
}
