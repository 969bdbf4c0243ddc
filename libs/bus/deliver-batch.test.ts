import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PermanentError, UnavailableError } from '#libs/runtime/errors.ts'
import { type Logger, silentLogger } from '#libs/runtime/logger.ts'
import { createTestWaiting } from '../../tests/support/bus/test-waiting.ts'
import { createManualClock } from '../../tests/support/manual-clock.ts'
import type { Batch, DeliveredRecord } from './bus.ts'
import { deliverBatch } from './deliver-batch.ts'

const records = (count: number): DeliveredRecord[] =>
  Array.from({ length: count }, (_, offset) => ({
    key: 'k',
    value: Buffer.from(String(offset)),
    headers: {},
    offset,
    timestampMs: 0,
  }))

/** Delivers with a clock that moves by itself, a second per turn, until the delivery is over. */
const deliver = async (
  count: number,
  handle: (batch: Batch) => void,
  more: { deadLetter?: () => void; abortAfterMs?: number; probe?: () => Promise<unknown> } = {},
) => {
  const clock = createManualClock(0)
  const waiting = createTestWaiting(clock)
  let mostWaiting = 0
  const lines: string[] = []
  const logger = { ...silentLogger, warn: (_: object, line: string) => lines.push(line) } as unknown as Logger
  const abort = new AbortController()
  const deadLettered: { offset: number; reason: string }[] = []
  const kept: number[] = []
  const tries: { offsets: number[]; atMs: number }[] = []
  const batch: Batch = {
    topic: 't',
    partition: 0,
    records: records(count),
    bytes: 100 * count,
    signal: abort.signal,
    deadLetter: async ({ offset }, reason) => {
      more.deadLetter?.()
      deadLettered.push({ offset, reason })
    },
  }
  let over = false
  const delivered = deliverBatch(
    {
      group: 'g',
      clock,
      logger,
      waiting,
      probe: more.probe,
      handle: async (part) => {
        tries.push({ offsets: part.records.map(({ offset }) => offset), atMs: clock.now() })
        handle(part)
        kept.push(...part.records.map(({ offset }) => offset))
      },
    },
    batch,
  ).finally(() => {
    over = true
  })
  while (!over) {
    await turn()
    clock.advance(10)
    mostWaiting = Math.max(mostWaiting, waiting.list().length)
    if (more.abortAfterMs !== undefined && clock.now() > more.abortAfterMs) abort.abort()
  }
  return {
    done: await delivered,
    deadLettered,
    kept,
    tries,
    tookMs: clock.now(),
    lines,
    mostWaiting,
    waiting: waiting.list(),
  }
}

const failOn = (bad: readonly number[], error: () => Error) => (batch: Batch) => {
  if (batch.records.some(({ offset }) => bad.includes(offset))) throw error()
}

describe('a batch whose handler rejects', () => {
  it('with PermanentError is taken apart at once, and exactly the records that fail are dead-lettered', async () => {
    const { done, deadLettered, kept, tries } = await deliver(
      20,
      failOn([3, 4, 17], () => new PermanentError('bad')),
    )
    expect(done).toBe(true)
    expect(deadLettered.map(({ offset }) => offset)).toEqual([3, 4, 17])
    expect(deadLettered[0]!.reason).toBe('PermanentError: bad')
    expect(kept).toEqual(Array.from({ length: 20 }, (_, i) => i).filter((i) => ![3, 4, 17].includes(i)))
    expect(tries.filter(({ offsets }) => offsets.length === 20)).toHaveLength(1)
  })

  it('keeps and dead-letters every record once and in order, whichever are bad', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 40 }), fc.array(fc.nat(39)), async (count, bad) => {
        const { kept, deadLettered } = await deliver(
          count,
          failOn(bad, () => new PermanentError('bad')),
        )
        const expected = [...Array(count).keys()]
        expect(kept).toEqual(expected.filter((offset) => !bad.includes(offset)))
        expect(deadLettered.map(({ offset }) => offset)).toEqual(expected.filter((offset) => bad.includes(offset)))
      }),
      { numRuns: 50 },
    )
  })

  it('one bad record among 10,000 costs a few dozen tries, not thousands', async () => {
    const { tries } = await deliver(
      10_000,
      failOn([7_777], () => new PermanentError('bad')),
    )
    expect(tries.length).toBeLessThan(40)
  })

  it('with another error is tried again whole, then taken apart, within 5 s', async () => {
    const { deadLettered, kept, tries, tookMs } = await deliver(
      4,
      failOn([2], () => new TypeError('broken')),
    )
    expect(tries.filter(({ offsets }) => offsets.length === 4).length).toBeGreaterThan(2)
    expect(kept).toEqual([0, 1, 3])
    expect(deadLettered).toEqual([{ offset: 2, reason: 'TypeError: broken' }])
    expect(tookMs).toBeLessThan(5_000)
  })

  it('that fails twice and then works dead-letters nothing', async () => {
    let failures = 2
    const { deadLettered, kept } = await deliver(3, () => {
      if (failures-- > 0) throw new Error('deadlock detected')
    })
    expect(kept).toEqual([0, 1, 2])
    expect(deadLettered).toEqual([])
  })

  it('with UnavailableError waits for an hour without dead-lettering, and no longer than 5 s between tries', async () => {
    const hourMs = 3_600_000
    let calls = 0
    const { deadLettered, kept, tries } = await deliver(2, () => {
      if (calls++ < hourMs / 5_000) throw new UnavailableError('database is unavailable')
    })
    expect(deadLettered).toEqual([])
    expect(kept).toEqual([0, 1])
    const gaps = tries.slice(1).map(({ atMs }, i) => atMs - tries[i]!.atMs)
    expect(Math.max(...gaps)).toBeLessThanOrEqual(5_020)
    expect(tries.at(-1)!.atMs).toBeGreaterThan(hourMs * 0.9)
  })

  it('counts as waiting meanwhile and leaves one line a minute', async () => {
    let calls = 0
    const { lines, mostWaiting, waiting, tookMs } = await deliver(2, () => {
      if (calls++ < 60) throw new UnavailableError('database is unavailable')
    })
    expect(tookMs).toBeGreaterThan(4 * 60_000)
    expect(lines.length).toBeLessThanOrEqual(Math.ceil(tookMs / 60_000))
    expect([mostWaiting, waiting]).toEqual([1, []])
  })

  it('with an error that also strikes the probe waits, then keeps every record', async () => {
    let broken = 100
    const { deadLettered, kept, mostWaiting } = await deliver(
      3,
      () => {
        if (broken > 0) throw new TypeError('broken for everybody')
      },
      {
        probe: async () => {
          if (broken-- > 0) throw new Error('broken for everybody')
        },
      },
    )
    expect(deadLettered).toEqual([])
    expect(kept).toEqual([0, 1, 2])
    expect(mostWaiting).toBe(1)
  })

  it('dead-letters a record for its own fault, once the probe succeeds again', async () => {
    let broken = 10
    const { deadLettered, kept } = await deliver(
      3,
      failOn([1], () => new TypeError('broken')),
      { probe: async () => (broken-- > 0 ? Promise.reject(new Error('away')) : undefined) },
    )
    expect(kept).toEqual([0, 2])
    expect(deadLettered).toEqual([{ offset: 1, reason: 'TypeError: broken' }])
  })

  it('waits for the dead-letter topic when that is unavailable, rather than lose the record', async () => {
    let refusals = 5
    const { done, deadLettered } = await deliver(
      1,
      failOn([0], () => new PermanentError('bad')),
      {
        deadLetter: () => {
          if (refusals-- > 0) throw new UnavailableError('broker is unavailable')
        },
      },
    )
    expect(done).toBe(true)
    expect(deadLettered).toHaveLength(1)
  })

  it('is given up when its partition is taken away, neither kept nor dead-lettered', async () => {
    const unavailable = () => {
      throw new UnavailableError('database is unavailable')
    }
    const { done, deadLettered, kept } = await deliver(2, unavailable, { abortAfterMs: 1_000 })
    expect([done, deadLettered, kept]).toEqual([false, [], []])
  })
})
