import { afterEach, describe, expect, it, vi } from 'vitest'
import { createRequestCounter } from '#libs/http/limits/request-counter.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { eventually } from '../support/eventually.ts'
import { countUp, itIsARequestCounter, REQUESTS, WINDOW_S } from './request-counter.contract.ts'

afterEach(() => void vi.useRealTimers())

describe('the request counter in memory', () => {
  const open = () => createRequestCounter({ requests: REQUESTS, windowS: WINDOW_S, logger: silentLogger })
  const counter = open()
  itIsARequestCounter(async () => counter)

  it('a clock that is set back does not stretch a window', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const counter = open()
    const startedAt = performance.now()
    await counter.count('a')
    vi.setSystemTime(0)
    expect((await counter.count('a')).endsInS).toBe(WINDOW_S)
    await eventually('the window is another', async () => (await countUp(counter, 'a')) === 1)
    expect(performance.now() - startedAt).toBeLessThan(2 * WINDOW_S * 1_000)
  })
})
