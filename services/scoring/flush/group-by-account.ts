import type { TenantState } from '#libs/access/tenant-store.ts'
import type { Batch, DeliveredRecord } from '#libs/bus/bus.ts'
import type { AccountEvents, AccountRequest } from '../accounts/account-request.ts'
import { BYPASS_TYPE } from '../core/events/event-types.ts'
import { type ReadContext, type ReceivedEvent, readRecord } from '../core/events/parse-event.ts'

export type Unreadable = { readonly batch: Batch; readonly record: DeliveredRecord; readonly reason: string }

export type GroupedRecords = {
  /** One per key, in order of first appearance. */
  readonly requests: readonly AccountRequest[]
  /** Unreadable records among all parsed so far. Whoever dead-letters them takes them out. */
  readonly unreadable: Unreadable[]
  /** No group follows. */
  readonly isLast: boolean
}

/** Records that neither count nor become dead letters. */
export type LeftOut = 'deleted_tenant' | 'unsigned_command'

export type Reading = ReadContext & {
  /** States of the tenants of the keys; a tenant that nobody made has none. */
  readonly tenants: ReadonlyMap<string, TenantState | undefined>
  readonly onLeftOut: (reason: LeftOut, records: number) => void
}

type RecordsByKey = Map<string, DeliveredRecord[]>

export const groupByKey = (batches: readonly Batch[]): RecordsByKey => {
  const groups: RecordsByKey = new Map()
  for (const { records } of batches) {
    for (const record of records) {
      const { key } = record
      const group = groups.get(key)
      if (group !== undefined) group.push(record)
      else groups.set(key, [record])
    }
  }
  return groups
}

/** Tenant ids hold no ':', so the first one of a key ends the tenant. Undefined: no such key. */
const tenantOf = (key: string): string | undefined => {
  const end = key.indexOf(':')
  return end < 1 ? undefined : key.slice(0, end)
}

export const tenantsOf = (keys: Iterable<string>): ReadonlySet<string> => {
  const tenants = new Set<string>()
  let last = ':'
  for (const key of keys) {
    if (key.startsWith(last)) continue
    const tenantId = tenantOf(key)
    if (tenantId === undefined) continue
    tenants.add(tenantId)
    last = `${tenantId}:`
  }
  return tenants
}

type Sorting = Reading & { readonly batches: readonly Batch[]; readonly unreadable: Unreadable[] }

/**
 * Yields groups lazily, to save memory; at least one group, to dead-letter unreadable records.
 * `groups` is emptied.
 */
export function* groupByAccount(
  batches: readonly Batch[],
  groups: RecordsByKey,
  maxAccounts: number,
  reading: Reading,
): Generator<GroupedRecords> {
  const unreadable: Unreadable[] = []
  const sorting: Sorting = { ...reading, batches, unreadable }
  let requests: AccountRequest[] = []
  for (const [key, group] of groups) {
    groups.delete(key)
    const tenantId = tenantOf(key)
    if (tenantId === undefined)
      for (const record of group) deadLetter(sorting, record, 'the key is not tenantId:accountId')
    else
      requests.push({
        key,
        tenantId,
        accountId: key.slice(tenantId.length + 1),
        ...once(() => readGroup(key, tenantId, group.splice(0), sorting)),
      })
    if (requests.length < maxAccounts || groups.size === 0) continue
    yield { requests, unreadable, isLast: false }
    requests = []
  }
  yield { requests, unreadable, isLast: true }
}

const deadLetter = ({ batches, unreadable }: Sorting, record: DeliveredRecord, reason: string): void => {
  const batch = batches.find(({ records }) => record.offset <= records.at(-1)!.offset)!
  unreadable.push({ batch, record, reason })
}

/** Of events. A suspended tenant keeps its accounts, whose scores go on moving with time. */
const refusalOf = (state: TenantState | undefined): string | undefined => {
  if (state === undefined) return 'no tenant has this id'
  return state === 'suspended' ? 'the tenant is suspended' : undefined
}

const readGroup = (
  key: string,
  tenantId: string,
  group: readonly DeliveredRecord[],
  sorting: Sorting,
): AccountEvents => {
  const events: ReceivedEvent[] = []
  let evaluate = false
  const state = sorting.tenants.get(tenantId)
  if (state === 'deleted') {
    sorting.onLeftOut('deleted_tenant', group.length)
    return { events, evaluate }
  }
  const refusal = refusalOf(state)
  for (const record of group) {
    const read = readRecord(record, sorting, key)
    if (read.kind === 'unsigned') sorting.onLeftOut('unsigned_command', 1)
    else if (read.kind === 'unreadable') deadLetter(sorting, record, read.reason)
    else if (read.kind === 'evaluate') evaluate = true
    else if (refusal !== undefined) deadLetter(sorting, record, refusal)
    else if (read.event.type === BYPASS_TYPE)
      deadLetter(sorting, record, `type: ${BYPASS_TYPE} is reserved for Pulso's own API`)
    else events.push(read.event)
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
