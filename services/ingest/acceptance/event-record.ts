import { crc32 } from 'node:zlib'
import type { UsageEvent } from '#libs/contracts/usage-event.ts'
import { toInstant } from '#libs/runtime/clock.ts'

export type RecordContext = { readonly tenantId: string; readonly source: string; readonly receivedAt: number }

export type EventRecordText = {
  /** JSON of `eventRecordSchema`. */
  readonly text: string
  /** Digest of the content, the same each time the same event is sent. */
  readonly digest: number
}

export type RecordInput = {
  readonly event: UsageEvent
  /** Corrected by the sender's clock offset, epoch milliseconds. */
  readonly occurredAt: number
  /** `occurredAt` as sent, the same on every retry; empty: the sender gave none. */
  readonly sentOccurredAt: string
}

/** Builds the record's JSON around one `JSON.stringify`, whose text is the same on every retry. */
export const writeEventRecord = (
  { event, occurredAt, sentOccurredAt }: RecordInput,
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
  const serverFields = `{"tenantId":"${context.tenantId}","receivedAt":"${toInstant(context.receivedAt)}","occurredAt":"${toInstant(occurredAt)}",`
  const digest = crc32(sentOccurredAt, crc32(content)) * 2 ** 20 + (content.length % 2 ** 20)
  return { text: serverFields + content.slice(1), digest }
}
