import type { Batch, DeliveredRecord } from '#libs/bus/bus.ts'
import { readRecord } from './core/read-record.ts'
import type { Wanted } from './load-accounts.ts'

export type GroupedBatch = {
  /** One per account, in order of first appearance. */
  readonly wanted: readonly Wanted[]
  readonly events: number
  readonly unreadable: readonly { readonly record: DeliveredRecord; readonly reason: string }[]
}

/** A batch by account: what to count, and which accounts to look at because time has moved them. */
export const groupRecords = (batch: Batch): GroupedBatch => {
  const wanted = new Map<string, Wanted>()
  const unreadable: { record: DeliveredRecord; reason: string }[] = []
  let events = 0
  for (const record of batch.records) {
    const read = readRecord(record)
    if (read.kind === 'unreadable') {
      unreadable.push({ record, reason: read.reason })
      continue
    }
    let item = wanted.get(record.key)
    if (item === undefined) {
      item = { key: record.key, tenantId: read.tenantId, accountId: read.accountId, events: [], due: false }
      wanted.set(record.key, item)
    }
    if (read.kind === 'event') {
      item.events.push(read.event)
      events++
    } else item.due = true
  }
  return { wanted: [...wanted.values()], events, unreadable }
}
