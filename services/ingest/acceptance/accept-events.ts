import type { Principal } from '#libs/access/keyring.ts'
import type { RecordSigner } from '#libs/access/record-signer.ts'
import type { Bus, BusRecord } from '#libs/bus/bus.ts'
import { MAX_EVENT_BYTES } from '#libs/contracts/event-limits.ts'
import { RECORD_HEADERS } from '#libs/contracts/record-version.ts'
import { accountKey } from '#libs/contracts/topics.ts'
import type { UsageEvent } from '#libs/contracts/usage-event.ts'
import type { JsonLimits } from '#libs/http/limits/json-limits.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import type { IncomingItem, ItemFault } from '../core/incoming-item.ts'
import type { IngestMetrics } from '../metrics.ts'
import type { CheckItem } from './check-item.ts'
import { writeEventRecord } from './event-record.ts'
import type { RecentlyAccepted } from './recently-accepted.ts'
import type { Outcome, Result } from './verdicts.ts'
import { rejected, summarize } from './verdicts.ts'

const HEADERS = { ...RECORD_HEADERS, kind: 'event' }

export type AcceptRequest = {
  /** Emptied once checked, so that parsed items do not stay in memory while the log is written. */
  readonly items: IncomingItem[]
  readonly principal: Principal
  /** Time of sending by the sender's clock, epoch milliseconds. */
  readonly sentAt?: number | undefined
  /** Whether one bad item rejects all items. */
  readonly atomic?: boolean
  readonly isBad?: JsonLimits['isBad']
}

export type AcceptDeps = {
  readonly bus: Bus
  readonly clock: Clock
  readonly metrics: IngestMetrics
  readonly recentlyAccepted: RecentlyAccepted
  readonly checkItem: CheckItem
  readonly signer: RecordSigner
}

type NewEvent = { readonly record: BusRecord; readonly idKey: string; readonly digest: number }

/**
 * Checks all items before the first is published; answers when the log has acknowledged them.
 * `accepted` and `duplicate` both mean that the event counts. Throws `UnavailableError` if the log
 * is unavailable: the client should send the same ids again.
 */
export const createAcceptEvents = ({ bus, clock, metrics, recentlyAccepted, checkItem, signer }: AcceptDeps) => {
  const checkItems = (
    request: AcceptRequest,
  ): { readonly outcome: Outcome; readonly newEvents: readonly NewEvent[] } => {
    const { principal, atomic = false } = request
    const { tenantId } = principal
    const receivedAt = clock.now()
    const clockOffsetMs = request.sentAt === undefined ? 0 : receivedAt - request.sentAt
    const checkContext = { receivedAt, clockOffsetMs, isBad: request.isBad }
    const headers = { ...HEADERS, ...signer.sign('event', tenantId, receivedAt) }
    const recordContext = { tenantId, source: principal.name, receivedAt }
    const newEvents: NewEvent[] = []
    const ofThisRequest = new Map<string, number>()

    const check = (item: IncomingItem, index: number): Result => {
      const checked = checkItem(item, checkContext)
      if (!checked.ok) return rejected(index, idOf(item.event), checked.errors)
      const { event } = checked
      const { id } = event
      const { text, digest } = writeEventRecord(checked, recordContext)
      const value = Buffer.from(text)
      if (value.length > MAX_EVENT_BYTES && isTooLarge(event)) return rejected(index, id, [tooLarge(item)])
      const idKey = idKeyOf(tenantId, event, principal.name)
      const known = ofThisRequest.get(idKey) ?? recentlyAccepted.find(idKey)
      if (known !== undefined) return { index, id, ...(known === digest ? DUPLICATE : conflict(item)) }
      ofThisRequest.set(idKey, digest)
      newEvents.push({ record: { key: accountKey(tenantId, event.accountId), value, headers }, idKey, digest })
      return { index, id, status: 'accepted' }
    }

    const outcome = summarize(request.items.map(check), atomic)
    request.items.length = 0
    return { outcome, newEvents: outcome.abandoned ? [] : newEvents }
  }

  return async (request: AcceptRequest): Promise<Outcome> => {
    const { outcome, newEvents } = checkItems(request)
    if (newEvents.length > 0) {
      failpoint('ingest.publish.before')
      await metrics.timePublish(() =>
        bus.publish(
          'usage.events',
          newEvents.map(({ record }) => record),
        ),
      )
      failpoint('ingest.publish.after')
      for (const { idKey, digest } of newEvents) recentlyAccepted.remember(idKey, digest)
    }
    metrics.count(outcome)
    return outcome
  }
}

export type AcceptEvents = ReturnType<typeof createAcceptEvents>

const DUPLICATE = { status: 'duplicate' } as const

const conflict = ({ pointer, names }: IncomingItem) => {
  const problem = { code: 'conflict', detail: 'This id was accepted with different content, which is kept' }
  const errors = [{ pointer: `${pointer}/${names?.id ?? 'id'}`, ...problem }]
  return { status: 'conflict', problem: { ...problem, errors }, retryable: false } as const
}

/**
 * An id belongs to its account and source, as in scoring. The length prefixes keep the parts apart,
 * whatever they contain.
 */
const idKeyOf = (tenantId: string, { accountId, source, id }: UsageEvent, keyName: string): string => {
  const name = source ?? keyName
  return `${tenantId}:${name.length}:${accountId.length}:${name}${accountId}${id}`
}

const idOf = (event: unknown): string | undefined => {
  const id = typeof event === 'object' && event !== null ? (event as { id?: unknown }).id : undefined
  return typeof id === 'string' && id.length <= 128 ? id : undefined
}

/** Measures the event as sent, without the fields that the server adds. */
const isTooLarge = (event: UsageEvent): boolean => Buffer.byteLength(JSON.stringify(event)) > MAX_EVENT_BYTES

const tooLarge = ({ pointer }: IncomingItem): ItemFault => ({
  pointer,
  code: 'event_too_large',
  detail: `An event may have at most ${MAX_EVENT_BYTES} bytes`,
})
