import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PermanentError } from '#libs/runtime/errors.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createTestWaiting } from '../../tests/support/bus/test-waiting.ts'
import { createManualClock } from '../../tests/support/manual-clock.ts'
import type { Batch, DeliveredRecord } from './bus.ts'
import { createPartitionWorker, recordBytes } from './partition-worker.ts'

const chunk = (from: number, count: number, bytes = 100) => {
  const records: DeliveredRecord[] = Array.from({ length: count }, (_, i) => ({
    key: 'k',
    value: Buffer.alloc(bytes),
    headers: {},
    offset: from + i,
    timestampMs: 0,
  }))
  return { records, bytes: records.reduce((sum, record) => sum + recordBytes(record), 0) }
}

const setUp = (
  handle: (batch: Batch) => Promise<void>,
  limits: { inFlight?: number; maxBatchBytes?: number; releaseAfterHandling?: boolean } = {},
) => {
  const clock = createManualClock(0)
  const positions: number[] = []
  const deadLettered: number[] = []
  const handed: number[][] = []
  const worker = createPartitionWorker({
    topic: 't',
    group: 'g',
    waiting: createTestWaiting(),
    partition: 0,
    inFlight: 1,
    maxBatchBytes: 100_000,
    ...limits,
    clock,
    logger: silentLogger,
    deadLetter: async ({ offset }) => void deadLettered.push(offset),
    onDone: (nextOffset) => void positions.push(nextOffset),
    onRoom: () => undefined,
    handle: (batch) => {
      handed.push(batch.records.map(({ offset }) => offset))
      return handle(batch)
    },
  })
  const pass = async (times = 10): Promise<void> => {
    for (let i = 0; i < times; i++) {
      await turn()
      clock.advance(100)
    }
  }
  return { worker, positions, deadLettered, handed, pass }
}

describe('the records of one partition', () => {
  it('are handed over also after an empty push', async () => {
    const { worker, handed, pass } = setUp(async () => {})
    worker.push()
    worker.push(chunk(0, 0))
    await pass()
    worker.push(chunk(0, 1), chunk(1, 1))
    await pass()
    expect(handed).toEqual([[0, 1]])
  })

  it('are released once they are done, all of a chunk with the last of it, and only if the handler allows it', async () => {
    for (const releaseAfterHandling of [true, false]) {
      const released: string[] = []
      const { worker, handed, positions, pass } = setUp(
        async ({ records }) => {
          expect(
            records.every(({ offset }) => (offset < 3 ? !released.includes('cut') : !released.includes('whole'))),
          ).toBe(true)
        },
        { releaseAfterHandling, inFlight: 2, maxBatchBytes: 500 },
      )
      worker.push(
        { ...chunk(0, 3), release: () => void released.push(`cut after ${positions.at(-1)}`) },
        { ...chunk(3, 1), release: () => void released.push(`whole after ${positions.at(-1)}`) },
      )
      await pass()
      expect(handed.flat()).toEqual([0, 1, 2, 3])
      expect(released).toEqual(releaseAfterHandling ? ['cut after 4', 'whole after 4'] : [])
    }
  })

  it('that arrive while a batch is handled form the next batch', async () => {
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const { worker, handed, positions, pass } = setUp(() => held)
    for (const from of [0, 2, 4]) worker.push(chunk(from, 2))
    await pass()
    expect(handed).toEqual([[0, 1]])
    expect(positions).toEqual([])
    release()
    await pass()
    expect(handed).toEqual([
      [0, 1],
      [2, 3, 4, 5],
    ])
    expect(positions).toEqual([2, 6])
  })

  it('are cut into batches within the byte limit, and a single larger record still passes', async () => {
    const { worker, handed, pass } = setUp(async () => undefined, { maxBatchBytes: 500 })
    worker.push(chunk(0, 5))
    worker.push(chunk(5, 1, 5_000))
    worker.push(chunk(6, 1))
    await pass()
    expect(handed).toEqual([[0, 1], [2, 3], [4], [5], [6]])
  })

  it('reach the position in order: a later batch that is done first waits for the one before', async () => {
    const releases: (() => void)[] = []
    const { worker, positions, pass } = setUp(() => new Promise((resolve) => releases.push(resolve)), {
      inFlight: 2,
      maxBatchBytes: 250,
    })
    worker.push(chunk(0, 2))
    await pass()
    expect(releases).toHaveLength(2)
    releases[1]!()
    await pass()
    expect(positions).toEqual([])
    releases[0]!()
    await pass()
    expect(positions).toEqual([1, 2])
  })

  it('never run more batches at once than allowed, and all reach the end whatever fails', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          inFlight: fc.integer({ min: 1, max: 3 }),
          sizes: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 10 }),
          failing: fc.array(fc.nat(30), { maxLength: 4 }),
          poison: fc.array(fc.nat(30), { maxLength: 2 }),
        }),
        async ({ inFlight, sizes, failing, poison }) => {
          const broken = new Set(failing)
          let running = 0
          let most = 0
          const kept: number[] = []
          const handle = async ({ records }: Batch): Promise<void> => {
            running++
            most = Math.max(most, running)
            await turn()
            running--
            for (const { offset } of records) {
              if (broken.delete(offset)) throw new Error('once')
              if (poison.includes(offset)) throw new PermanentError('always')
            }
            kept.push(...records.map(({ offset }) => offset))
          }
          const { worker, positions, deadLettered, pass } = setUp(handle, { inFlight, maxBatchBytes: 800 })
          let next = 0
          for (const size of sizes) {
            worker.push(chunk(next, size))
            next += size
          }
          for (let i = 0; i < 100 && positions.at(-1) !== next; i++) await pass()
          expect(positions.at(-1)).toBe(next)
          expect(most).toBeLessThanOrEqual(inFlight)
          expect(positions).toEqual([...positions].sort((a, b) => a - b))
          expect(deadLettered).toEqual([...new Set(poison)].filter((offset) => offset < next).sort((a, b) => a - b))
          expect([...new Set(kept)].length + deadLettered.length).toBe(next)
          expect(worker.waitingBytes()).toBe(0)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('when it stops, are finished as far as they are under way, and their signal aborts', async () => {
    let release = () => {}
    let signal: AbortSignal | undefined
    const { worker, positions, handed, pass } = setUp((batch) => {
      signal = batch.signal
      return new Promise((resolve) => {
        release = resolve
      })
    })
    worker.push(chunk(0, 1))
    worker.push(chunk(1, 1))
    await pass()
    const stopped = worker.stop()
    expect(signal?.aborted).toBe(true)
    release()
    await stopped
    expect(positions).toEqual([1])
    expect(handed).toEqual([[0]])
  })
})
