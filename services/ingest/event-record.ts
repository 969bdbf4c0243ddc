import { crc32 } from 'node:zlib'
import type { UsageEvent } from '#libs/contracts/usage-event.ts'
import { toInstant } from '#libs/runtime/clock.ts'

export type RecordContext = { readonly tenantId: string; readonly source: string; readonly receivedAt: number }

export type EventRecordText = {
  /** JSON of `eventRecordSchema`. */
  readonly text: string
  /** The same for the same content, whenever and however often it is sent. */
  readonly mark: number
}

export type RecordInput = {
  readonly event: UsageEvent
  /** Corrected, epoch milliseconds. */
  readonly occurredAt: number
  /** The instant in the sender's own words, the same on every try; empty when the sender gave none. */
  readonly saidAt: string
}

/** The record's JSON, put together around one `JSON.stringify`: the part that is the same on every try is marked, then completed. */
export const writeEventRecord = (
  { event, occurredAt, saidAt }: RecordInput,
  context: RecordContext,
): EventRecordText => {
  const { id, type, accountId, userId, properties = {}, mode } = event
  const content = JSON.stringify({
    id,
    source: event.source ?? context.source,
    type,
    accountId,
    userId: userId ?? undefined,
    properties,
    mode: mode === 'backfill' ? mode : undefined,
  })
  const stamps = `{"tenantId":"${context.tenantId}","receivedAt":"${toInstant(context.receivedAt)}","occurredAt":"${toInstant(occurredAt)}",`
  const mark = crc32(saidAt, crc32(content)) * 2 ** 20 + (content.length % 2 ** 20)
  return { text: stamps + content.slice(1), mark }
}
