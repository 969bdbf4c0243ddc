import { setImmediate as turn } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { systemClock } from '#libs/runtime/clock.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createTestWaiting } from '../../tests/support/bus/test-waiting.ts'
import type { DeliveredRecord } from '../bus/bus.ts'
import { createPartitionWorker } from '../bus/partition-worker.ts'
import { createColumns, toChunk } from '../bus/record-columns.ts'

const VALUE = '{"type":"Feature Used"}'

/** A record that a handler has kept after it settled. */
const keptRecord = async (releaseAfterHandling: boolean): Promise<DeliveredRecord> => {
  const columns = createColumns(Buffer.from(`key${VALUE}`), 1)
  columns.bounds.set([0, 3, 3, 3 + VALUE.length])
  const kept: DeliveredRecord[] = []
  let done = false
  const worker = createPartitionWorker({
    topic: 't',
    group: 'g',
    waiting: createTestWaiting(),
    partition: 0,
    inFlight: 1,
    maxBatchBytes: 1_000,
    releaseAfterHandling,
    clock: systemClock,
    logger: silentLogger,
    deadLetter: async () => {},
    onRoom: () => {},
    onDone: () => {
      done = true
    },
    handle: async ({ records }) => {
      expect(records[0]!.text).toBe(VALUE)
      kept.push(...records)
    },
  })
  worker.push(toChunk(columns, 0, 1, true))
  while (!done) await turn()
  await turn()
  return kept[0]!
}

test('a reader that comes after the release finds bytes that do not parse', async () => {
  const late = await keptRecord(true)
  expect(late.key).not.toBe('key')
  expect(() => JSON.parse(late.text!)).toThrow(SyntaxError)
  expect(() => JSON.parse(late.value.toString())).toThrow(SyntaxError)
})

test('a record that is not released stays as it was', async () => {
  const kept = await keptRecord(false)
  expect([kept.key, kept.text]).toEqual(['key', VALUE])
})

test('outside of tests a buffer of its own is freed, and one that shares its memory is left alone', async () => {
  vi.resetModules()
  const { releaseBytes } = await import('./release-bytes.ts')
  const own = Buffer.alloc(100_000, 'a')
  releaseBytes(own)
  expect(own).toHaveLength(0)
  const shared = Buffer.alloc(100_000, 'a').subarray(10)
  releaseBytes(shared)
  expect(shared.toString('utf8', 0, 3)).toBe('aaa')
})
