import type { Batch, DeliveredRecord } from '#libs/bus/bus.ts'
import type { AccountEvents, AccountRequest } from '../accounts/account-request.ts'
import { BYPASS_TYPE } from '../core/events/event-types.ts'
import { type ReceivedEvent, readRecord } from '../core/events/parse-event.ts'

export type Unreadable = { readonly batch: Batch; readonly record: DeliveredRecord; readonly reason: string }

export type GroupedRecords = {
  /** One per key, in order of first appearance. */
  readonly requests: readonly AccountRequest[]
  /** Unreadable records among all parsed so far. Whoever dead-letters them takes them out. */
  readonly unreadable: Unreadable[]
  /** No group follows. */
  readonly isLast: boolean
}

type Reading = {
  readonly batches: readonly Batch[]
  readonly unreadable: Unreadable[]
  readonly retentionDays: number | undefined
}

/** Yields groups lazily, to save memory; at least one group, to dead-letter unreadable records. */
export function* groupByAccount(
  batches: readonly Batch[],
  maxAccounts: number,
  retentionDays?: number,
): Generator<GroupedRecords> {
  const groups = new Map<string, DeliveredRecord[]>()
  for (const { records } of batches) {
    for (const record of records) {
      const { key } = record
      const group = groups.get(key)
      if (group !== undefined) group.push(record)
      else groups.set(key, [record])
    }
  }
  const reading: Reading = { batches, unreadable: [], retentionDays }
  const { unreadable } = reading
  let requests: AccountRequest[] = []
  for (const [key, group] of groups) {
    groups.delete(key)
    // Tenant ids hold no ':', so the first one ends the tenant.
    const end = key.indexOf(':')
    if (end < 1) for (const record of group) leaveOut(reading, record, 'the key is not tenantId:accountId')
    else
      requests.push({
        key,
        tenantId: key.slice(0, end),
        accountId: key.slice(end + 1),
        ...once(() => readGroup(key, group.splice(0), reading)),
      })
    if (requests.length < maxAccounts || groups.size === 0) continue
    yield { requests, unreadable, isLast: false }
    requests = []
  }
  yield { requests, unreadable, isLast: true }
}

const leaveOut = ({ batches, unreadable }: Reading, record: DeliveredRecord, reason: string): void => {
  const batch = batches.find(({ records }) => record.offset <= records.at(-1)!.offset)!
  unreadable.push({ batch, record, reason })
}

const readGroup = (key: string, group: readonly DeliveredRecord[], reading: Reading): AccountEvents => {
  const events: ReceivedEvent[] = []
  let evaluate = false
  for (const record of group) {
    const read = readRecord(record, reading.retentionDays, key)
    if (read.kind === 'event' && read.event.type === BYPASS_TYPE)
      leaveOut(reading, record, `type: ${BYPASS_TYPE} is reserved for Pulso's own API`)
    else if (read.kind === 'event') events.push(read.event)
    else if (read.kind === 'evaluate') evaluate = true
    else leaveOut(reading, record, read.reason)
  }
  return { events, evaluate }
}

const once = (read: () => AccountEvents): Pick<AccountRequest, 'read' | 'take'> => {
  let given: AccountEvents | undefined
  return {
    read: () => {
      given ??= read()
      return given
    },
    take: () => {
      const taken = given ?? read()
      given = undefined
      return taken
    },
  }
}
