import { expect, it } from 'vitest'
import type { RequestCounter } from '#libs/http/limits/request-counter.ts'
import { newId } from '#libs/runtime/ids.ts'
import { eventually } from '../support/eventually.ts'

export const WINDOW_S = 2
export const REQUESTS = 1_000

/** Counts a request; answers how many of the window are counted now. */
export const countUp = async (counter: RequestCounter, keyId: string): Promise<number> =>
  REQUESTS - (await counter.count(keyId)).remaining

/** What every counter of `REQUESTS` in `WINDOW_S` promises. */
export const itIsARequestCounter = (open: () => Promise<RequestCounter>): void => {
  it('counts up from one, each key for itself', async () => {
    const [a, b] = [newId(), newId()]
    const counter = await open()
    expect(await countUp(counter, a)).toBe(1)
    expect(await countUp(counter, a)).toBe(2)
    expect(await countUp(counter, b)).toBe(1)
  })

  it('counts made at the same time are all counted', async () => {
    const keyId = newId()
    const counter = await open()
    const counts = await Promise.all(Array.from({ length: 200 }, () => countUp(counter, keyId)))
    expect(Math.max(...counts)).toBe(200)
  })

  it('refuses what is over the limit', async () => {
    const keyId = newId()
    const counter = await open()
    const standings = await Promise.all(Array.from({ length: REQUESTS + 2 }, () => counter.count(keyId)))
    expect(standings.filter(({ exceeded }) => exceeded)).toHaveLength(2)
    expect(standings.at(-1)).toMatchObject({ remaining: 0, exceeded: true })
  })

  it('says when the window ends, which later counts do not put off, and starts anew then', async () => {
    const keyId = newId()
    const counter = await open()
    const startedAt = performance.now()
    expect((await counter.count(keyId)).endsInS).toBe(WINDOW_S)
    await eventually('less is left of the window', async () => (await counter.count(keyId)).endsInS < WINDOW_S)
    expect(await countUp(counter, keyId)).toBeGreaterThan(2)
    await eventually('the window is another', async () => (await countUp(counter, keyId)) === 1)
    expect(performance.now() - startedAt).toBeGreaterThan((WINDOW_S - 0.1) * 1_000)
    expect(performance.now() - startedAt).toBeLessThan(3 * WINDOW_S * 1_000)
  })
}
