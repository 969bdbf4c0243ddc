import type { TenantStates } from '#libs/access/tenant-states.ts'
import type { Batch } from '#libs/bus/bus.ts'
import {
  type GroupedRecords,
  groupByAccount,
  groupByKey,
  type LeftOut,
  type Reading,
  tenantsOf,
} from './group-by-account.ts'

export type FlushPart = GroupedRecords & {
  readonly topic: string
  readonly partition: number
  /** Offset behind the records of the whole flush. */
  readonly nextOffset: number
}

export type SplitFlushOptions = Omit<Reading, 'tenants' | 'onLeftOut'> & {
  readonly flushPart: (part: FlushPart) => Promise<FlushResult>
  readonly maxAccounts: number
  readonly tenantStates: TenantStates
}

export type FlushResult = { readonly events: number; readonly duplicates: number }
type SplitResult = FlushResult & { readonly leftOut: ReadonlyMap<LeftOut, number> }

/**
 * Prepares one part of at most `maxAccounts` accounts while the part before is written. The next
 * flush begins behind the last part, so that the first event of an id stays the first.
 */
export const createSplitFlush = ({
  flushPart,
  maxAccounts,
  tenantStates,
  ...context
}: SplitFlushOptions): ((batches: readonly Batch[]) => Promise<SplitResult>) => {
  const allBegun = new Map<number, Promise<void>>()
  return async (batches) => {
    const { topic, partition } = batches[0]!
    const nextOffset = batches.at(-1)!.records.at(-1)!.offset + 1
    const earlier = allBegun.get(partition)
    const begun = Promise.withResolvers<void>()
    allBegun.set(partition, begun.promise)
    let [events, duplicates] = [0, 0]
    const leftOut = new Map<LeftOut, number>()
    const onLeftOut: Reading['onLeftOut'] = (reason, records) =>
      void leftOut.set(reason, (leftOut.get(reason) ?? 0) + records)
    let last: Promise<void> = Promise.resolve()
    const begin = async (group: GroupedRecords): Promise<void> => {
      const result = await flushPart({ topic, partition, nextOffset, ...group })
      events += result.events
      duplicates += result.duplicates
    }
    try {
      await earlier
      const groups = groupByKey(batches)
      const reading = { ...context, onLeftOut, tenants: await tenantStates(tenantsOf(groups.keys())) }
      for (const group of groupByAccount(batches, groups, maxAccounts, reading)) {
        const before = last
        last = begin(group)
        last.catch(() => {})
        await before
      }
      begun.resolve()
      await last
    } finally {
      begun.resolve()
      // A failed part fails the next part too; until then the pipeline is not free for another try.
      await last.catch(() => {})
    }
    return { events, duplicates, leftOut }
  }
}
