import type { Batch, DeliveredRecord } from '#libs/bus/bus.ts'
import { BYPASS_TYPE } from './core/event-types.ts'
import { type ReceivedEvent, readRecord } from './core/read-record.ts'

/** What one account is to be given in a flush. */
export type Wanted = {
  /** `tenantId:accountId`, the records' key. */
  readonly key: string
  readonly tenantId: string
  readonly accountId: string
  /** Reads the records, once: as late as can be, so that few events are in memory at a time. */
  readonly read: () => Given
  /** The same, for the last time: they are forgotten. */
  readonly take: () => Given
}

export type Given = { readonly events: readonly ReceivedEvent[]; readonly due: boolean }

export type Unreadable = { readonly batch: Batch; readonly record: DeliveredRecord; readonly reason: string }

export type GroupedBatch = {
  /** One per key, in order of first appearance. */
  readonly wanted: readonly Wanted[]
  /** What could not be read, of the records read so far; whoever parks it takes it out. */
  readonly unreadable: Unreadable[]
}

type Placed = { readonly batch: Batch; readonly record: DeliveredRecord }

/** Batches of one partition by account: what to count, and which accounts to look at because time has moved them. */
export const groupRecords = (batches: readonly Batch[], retentionDays?: number): GroupedBatch => {
  const groups = new Map<string, Placed[]>()
  const unreadable: Unreadable[] = []
  for (const batch of batches) {
    for (const record of batch.records) {
      const group = groups.get(record.key)
      if (group !== undefined) group.push({ batch, record })
      else groups.set(record.key, [{ batch, record }])
    }
  }
  const wanted: Wanted[] = []
  for (const [key, group] of groups) {
    // Tenant ids hold no ':', so the first one ends the tenant.
    const end = key.indexOf(':')
    if (end < 1) unreadable.push(...group.map((given) => ({ ...given, reason: 'the key is not tenantId:accountId' })))
    else
      wanted.push({
        key,
        tenantId: key.slice(0, end),
        accountId: key.slice(end + 1),
        ...once(() => readGroup(group.splice(0), unreadable, retentionDays)),
      })
  }
  return { wanted, unreadable }
}

const readGroup = (group: readonly Placed[], unreadable: Unreadable[], retentionDays: number | undefined) => {
  const events: ReceivedEvent[] = []
  let due = false
  for (const { batch, record } of group) {
    const read = readRecord(record, retentionDays)
    if (read.kind === 'event' && read.event.type === BYPASS_TYPE)
      unreadable.push({ batch, record, reason: `type: ${BYPASS_TYPE} is reserved for Pulso's own API` })
    else if (read.kind === 'event') events.push(read.event)
    else if (read.kind === 'evaluate') due = true
    else unreadable.push({ batch, record, reason: read.reason })
  }
  return { events, due }
}

const once = (read: () => Given): Pick<Wanted, 'read' | 'take'> => {
  let given: Given | undefined
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
