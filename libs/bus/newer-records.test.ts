import { expect, test } from 'vitest'
import { counter, createMetrics } from '#libs/runtime/metrics.ts'
import { createManualClock } from '../../tests/support/manual-clock.ts'
import type { Batch } from './bus.ts'
import { createNewerRecords } from './newer-records.ts'

const createFixture = () => {
  const registry = createMetrics()
  const count = counter(registry, { name: 'newer', help: 'Newer', labelNames: ['topic', 'group'] })
  const clock = createManualClock(0)
  const lines: unknown[] = []
  const logger = { warn: (fields: unknown) => lines.push(fields) } as never
  const { handle } = createNewerRecords({ count, clock, logger })({
    group: 'readers',
    topic: 'usage.events',
    handle: async ({ partition }) => {
      if (partition > 0) throw new Error('not today')
    },
  })
  const batchOf = (partition: number, ...versions: readonly (string | undefined)[]): Batch => ({
    topic: 'usage.events',
    partition,
    records: versions.map((version, offset) => ({
      key: 'k',
      value: Buffer.from('{}'),
      headers: (version === undefined ? {} : { version }) as Record<string, string>,
      offset,
      timestampMs: 0,
    })),
    bytes: 0,
    signal: new AbortController().signal,
    deadLetter: async () => {},
  })
  const counted = async () => (await count.get()).values[0]?.value ?? 0
  return { handle, batchOf, counted, clock, lines }
}

test('only records of a greater version are counted, once they are handled', async () => {
  const { handle, batchOf, counted } = createFixture()
  await handle(batchOf(0, undefined, '0', '1', '', '1.5', '-2', 'v2', '2026-11-22', '99999999999'))
  expect(await counted()).toBe(0)
  await expect(handle(batchOf(1, '2'))).rejects.toThrow('not today')
  expect(await counted()).toBe(0)
  await handle(batchOf(0, '1', '2', '1', '3'))
  expect(await counted()).toBe(2)
})

test('a line a minute says so', async () => {
  const { handle, batchOf, clock, lines } = createFixture()
  for (let i = 0; i < 5; i++) await handle(batchOf(0, '2'))
  expect(lines).toEqual([{ topic: 'usage.events', group: 'readers', records: 1 }])
  clock.advance(60_000)
  await handle(batchOf(0, '2'))
  expect(lines).toHaveLength(2)
})
