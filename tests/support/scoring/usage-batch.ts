import type { Batch } from '#libs/bus/bus.ts'
import type { UsageRecord } from './scorer.ts'

/** Records as one batch of the first partition; none of them may be parked. */
export const batchOf = (...records: readonly UsageRecord[]): Batch => ({
  topic: 'usage.events',
  partition: 0,
  records: records.map((record, offset) => ({ ...record, offset, timestampMs: Date.now() })),
  bytes: 100,
  signal: new AbortController().signal,
  deadLetter: () => Promise.reject(new Error('nothing is to be parked')),
})
