import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UnavailableError } from '#libs/runtime/errors.ts'
import { createManualClock } from '../../tests/support/manual-clock.ts'
import type { BusRecord } from './bus.ts'
import { createPublishBatcher } from './publish-batcher.ts'

const record = (name: string, bytes = 10): BusRecord => ({ key: name, value: Buffer.alloc(bytes) })

const setUp = (send: (records: readonly BusRecord[]) => Promise<void> | void = () => undefined, limits = {}) => {
  const clock = createManualClock(0)
  const sends: string[][] = []
  const batcher = createPublishBatcher({
    clock,
    lingerMs: 5,
    maxRecords: 100,
    maxBytes: 10_000,
    maxWaitingBytes: 100_000,
    ...limits,
    send: async (_topic, records) => {
      sends.push(records.map(({ key }) => key))
      await send(records)
    },
  })
  const pass = async (): Promise<void> => {
    clock.advance(5)
    for (let i = 0; i < 20; i++) await turn()
  }
  return { batcher, sends, pass }
}

describe('publishes at the same time', () => {
  it('share one send, in the order they were made', async () => {
    const { batcher, sends, pass } = setUp()
    const published = Promise.all([
      batcher.publish('t', [record('a'), record('b')]),
      batcher.publish('t', [record('c')]),
    ])
    await pass()
    await published
    expect(sends).toEqual([['a', 'b', 'c']])
  })

  it('that arrive during a send form the next one', async () => {
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const { batcher, sends, pass } = setUp(() => held)
    const first = batcher.publish('t', [record('a')])
    await pass()
    const later = Promise.all([batcher.publish('t', [record('b')]), batcher.publish('t', [record('c')])])
    await pass()
    expect(sends).toEqual([['a']])
    release()
    await Promise.all([first, later])
    expect(sends).toEqual([['a'], ['b', 'c']])
  })

  it('keep their order and lose nothing, however they are cut', async () => {
    const sizes = fc.array(fc.array(fc.integer({ min: 0, max: 900 }), { minLength: 1, maxLength: 8 }), {
      maxLength: 20,
    })
    await fc.assert(
      fc.asyncProperty(sizes, async (publishes) => {
        const { batcher, sends, pass } = setUp(undefined, { maxRecords: 5, maxBytes: 1_000 })
        let next = 0
        const published = publishes.map((records) =>
          batcher.publish(
            't',
            records.map((bytes) => record(String(next++), bytes)),
          ),
        )
        while (next > 0 && sends.flat().length < next) await pass()
        await Promise.all(published)
        expect(sends.flat()).toEqual(Array.from({ length: next }, (_, i) => String(i)))
        for (const sent of sends) expect(sent.length).toBeLessThanOrEqual(5)
      }),
      { numRuns: 30 },
    )
  })
})

describe('a send that fails', () => {
  it('fails the publishes in it and no other', async () => {
    const { batcher, pass } = setUp(([first]) => {
      if (first!.key === 'huge') throw new Error('message too large')
    })
    const outcomes = Promise.allSettled([
      batcher.publish('t', [record('a')]),
      batcher.publish('t', [record('huge', 20_000)]),
      batcher.publish('t', [record('b')]),
    ])
    await pass()
    expect((await outcomes).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  })
})

describe('a batcher over its memory limit', () => {
  it('refuses publishes until it has sent what waits', async () => {
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const { batcher, pass } = setUp(() => held, { maxWaitingBytes: 1_000 })
    const first = batcher.publish('t', [record('a', 2_000)])
    await pass()
    await expect(batcher.publish('t', [record('b')])).rejects.toThrow(UnavailableError)
    release()
    await first
    const later = batcher.publish('t', [record('c')])
    await pass()
    await later
    await batcher.drained()
  })
})
