import type { Batch } from '#libs/bus/bus.ts'
import { type GroupedBatch, groupRecords } from './group-by-account.ts'

/** What a part of a flush came to. */
export type Flushed = { readonly events: number; readonly duplicates: number }

/**
 * Flushes batches of one partition in parts of so many accounts: one part is folded while the one before is being written, and no more
 * are in memory. The next flush of the partition begins behind the last part, so that of events with one id the first stays the first.
 */
export const createSplitFlush = (
  flushPart: (topic: string, partition: number, part: GroupedBatch) => Promise<Flushed>,
  maxAccounts: number,
  retentionDays?: number,
): ((batches: readonly Batch[]) => Promise<Flushed>) => {
  const allBegun = new Map<number, Promise<void>>()
  return async (batches) => {
    const { topic, partition } = batches[0]!
    const earlier = allBegun.get(partition)
    const begun = Promise.withResolvers<void>()
    allBegun.set(partition, begun.promise)
    let [events, duplicates] = [0, 0]
    let last: Promise<void> = Promise.resolve()
    const begin = async (part: GroupedBatch): Promise<void> => {
      const flushed = await flushPart(topic, partition, part)
      events += flushed.events
      duplicates += flushed.duplicates
    }
    try {
      await earlier
      for (const part of groupRecords(batches, maxAccounts, retentionDays)) {
        const before = last
        last = begin(part)
        last.catch(() => {})
        await before
      }
      begun.resolve()
      await last
    } finally {
      begun.resolve()
      // One behind a part that failed fails too; until then the lane is not free for another try.
      await last.catch(() => {})
    }
    return { events, duplicates }
  }
}
