import { findUnboundedNumber, MAX_EVENT_DEPTH, MAX_EVENT_KEYS, UNBOUNDED_NUMBER } from '#libs/contracts/event-limits.ts'
import { RESERVED_TYPES } from '#libs/contracts/usage-event.ts'
import { jsonPointer } from '#libs/http/json-pointer.ts'
import { findJsonFault, type JsonLimits } from '#libs/http/limits/json-limits.ts'
import { parseInstant } from '#libs/time/instant.ts'
import { type IncomingItem, type ItemFault, isObject } from '../core/incoming-item.ts'
import { validateTime } from '../core/validate-time.ts'
import { explainEvent, isUsageEvent } from './event-check.ts'
import type { RecordInput } from './event-record.ts'

export type CheckContext = {
  readonly receivedAt: number
  readonly clockOffsetMs: number
  readonly isBad: JsonLimits['isBad']
}

export type CheckedItem =
  | (RecordInput & { readonly ok: true })
  | { readonly ok: false; readonly errors: readonly ItemFault[] }

export type CheckItem = (item: IncomingItem, context: CheckContext) => CheckedItem

const pointerInItem = (item: IncomingItem, path: readonly PropertyKey[]): string => {
  const [field, ...rest] = path
  if (field === undefined) return item.pointer
  const name = item.names?.[String(field)]
  return item.pointer + (name === undefined ? jsonPointer([field]) : `/${name}`) + jsonPointer(rest)
}

/** Checks an event before it is published: limits, shape, type, then its instant. */
export const createCheckItem = ({ retentionDays }: { readonly retentionDays: number }): CheckItem => {
  return (item, context) => {
    const refuse = (path: readonly PropertyKey[], code: string, detail: string): CheckedItem => ({
      ok: false,
      errors: [{ pointer: pointerInItem(item, path), code, detail }],
    })
    if (item.fault) return { ok: false, errors: [item.fault] }
    const event = withTime(item, context)
    const fault = findJsonFault(event, { maxDepth: MAX_EVENT_DEPTH, maxKeys: MAX_EVENT_KEYS, isBad: context.isBad })
    if (fault) return refuse(fault.path, fault.code, fault.detail)
    if (!isUsageEvent(event)) {
      const errors = explainEvent(event).map(({ path, code, detail }) => ({
        pointer: pointerInItem(item, path),
        code,
        detail,
      }))
      return { ok: false, errors }
    }
    if (RESERVED_TYPES.has(event.type))
      return refuse(['type'], 'reserved_type', "Only Pulso's own API may record this type")
    const unbounded = event.properties && findUnboundedNumber(event.type, event.properties)
    if (unbounded) return refuse(['properties', unbounded], 'number_out_of_range', UNBOUNDED_NUMBER)
    const verdict = validateTime({
      occurredAt: parseInstant(event.occurredAt),
      receivedAt: context.receivedAt,
      clockOffsetMs: context.clockOffsetMs,
      backfill: event.mode === 'backfill',
      retentionDays,
    })
    return verdict.ok
      ? {
          ok: true,
          event,
          occurredAt: verdict.occurredAt,
          sentOccurredAt: event === item.event ? event.occurredAt : '',
        }
      : refuse(['occurredAt'], verdict.code, verdict.detail)
  }
}

const withTime = ({ event, timeOptional }: IncomingItem, { receivedAt, clockOffsetMs }: CheckContext): unknown =>
  timeOptional && isObject(event) && event.occurredAt === undefined
    ? { ...event, occurredAt: new Date(receivedAt - clockOffsetMs).toISOString() }
    : event
