import { numberArray, textArray } from '#libs/postgres/array-literal.ts'
import { createBlob } from '#libs/postgres/blob.ts'
import type { Sql } from '#libs/postgres/database.ts'
import { derivedId } from '#libs/runtime/ids.ts'
import { type ReportUnreadable, reportOfTenants } from '#libs/runtime/unreadable-documents.ts'
import { type EndpointFilter, matchesEndpoint, takesGroups } from '../core/delivery/matches-endpoint.ts'
import { slackMessage } from '../core/delivery/slack-message.ts'
import { readFilter } from '../endpoints/endpoint-filter.ts'
import type { EndpointKind } from '../endpoints/endpoint-store.ts'
import type { Notification } from './notification.ts'
import { textOf } from './payload.ts'

/** A commit notifies this channel, which wakes the deliverers of all replicas. */
export const DELIVERY_CHANNEL = 'alerting_deliveries'

export type Target = {
  readonly endpointId: string
  readonly tenantId: string
  readonly kind: EndpointKind
  readonly eventTypes: readonly string[]
  readonly filter: EndpointFilter
}

/** Ids derive from notification and endpoint: enqueueing one again adds nothing. */
export const enqueueNotifications = async (
  tx: Sql,
  notifications: readonly Notification[],
  reportUnreadable?: ReportUnreadable,
): Promise<number> => {
  if (notifications.length === 0) return 0
  const tenantIds = [...new Set(notifications.map((notification) => notification.tenantId))]
  const targets = await enabledEndpoints(tx, tenantIds, reportUnreadable)
  const pairs = notifications.flatMap((notification) =>
    targets
      .filter((target) => target.tenantId === notification.tenantId && isFor(target, notification))
      .map((target) => ({ notification, target })),
  )
  return enqueuePairs(tx, pairs)
}

/** An endpoint that takes groups gets a grouped notification when the window of the group ends. */
const isFor = (target: Target, notification: Notification): boolean => {
  if (notification.endpointIds && notification.endpointIds.length > 0)
    return notification.endpointIds.includes(target.endpointId)
  return matchesEndpoint(target, notification) && !(notification.grouped && takesGroups(target))
}

/** Adds a delivery to one endpoint, whatever it subscribes to; returns the id of the delivery. */
export const enqueueFor = async (
  tx: Sql,
  target: { readonly endpointId: string; readonly kind: EndpointKind },
  notification: Notification,
): Promise<string> => {
  await enqueuePairs(tx, [{ notification, target }])
  return derivedId(notification.notificationId, target.endpointId)
}

/** With their filters as far as this release can read them. Unverified endpoints match nothing. */
export const enabledEndpoints = async (
  tx: Sql,
  tenantIds: readonly string[],
  reportUnreadable: ReportUnreadable = () => {},
): Promise<readonly Target[]> => {
  const rows = await tx.query<Omit<Target, 'filter'> & { readonly filter: unknown }>(
    `select endpoint_id as "endpointId", tenant_id as "tenantId", kind, event_types as "eventTypes", filter
       from alerting.webhook_endpoint where tenant_id = any($1) and state = 'enabled' and verified_at is not null`,
    [tenantIds],
  )
  const targets = rows.map((row) => ({ ...row, ...readFilter(row.filter) }))
  const unreadable = targets.flatMap(({ tenantId, endpointId, problem }) =>
    problem === null ? [] : [{ tenantId, id: endpointId }],
  )
  reportOfTenants(reportUnreadable, 'webhook_endpoint', tenantIds, unreadable)
  return targets
}

type Pair = {
  readonly notification: Notification
  readonly target: { readonly endpointId: string; readonly kind: EndpointKind }
}

/** Endpoints of one kind share a message. */
export const messageIdOf = ({ notificationId }: Notification, kind: EndpointKind): string =>
  kind === 'slack' ? derivedId(notificationId, 'slack') : notificationId

const enqueuePairs = async (tx: Sql, pairs: readonly Pair[]): Promise<number> => {
  if (pairs.length === 0) return 0
  const messages = new Map<string, Notification & { kind: EndpointKind }>()
  const rows = pairs.map(({ notification, target }) => {
    const messageId = messageIdOf(notification, target.kind)
    messages.set(messageId, { ...notification, kind: target.kind })
    return {
      messageId,
      notification,
      endpointId: target.endpointId,
      id: derivedId(notification.notificationId, target.endpointId),
    }
  })
  // One order in all transactions: two that enqueue the same rows wait, and do not deadlock.
  rows.sort((a, b) => (a.id < b.id ? -1 : 1))
  const bodies = [...messages].sort(([a], [b]) => (a < b ? -1 : 1))
  const blob = createBlob()
  const bytes = bodies.map(([, message]) => Buffer.from(bodyOf(message, message.kind)))
  await tx.query(
    `insert into alerting.webhook_message (message_id, body)
     select id, substring($4::bytea from place + 1 for length)
       from unnest($1::uuid[], $2::int[], $3::int[]) as m(id, place, length)
     on conflict do nothing`,
    [
      textArray(bodies.map(([id]) => id)),
      numberArray(bytes.map(blob.append)),
      numberArray(bytes.map((body) => body.length)),
      blob.bytes(),
    ],
  )
  // Due a second ago: a slow clock does not delay the first attempt.
  const [inserted] = await tx.query<{ count: number }>(
    `with new as (
       insert into alerting.delivery
         (delivery_id, tenant_id, endpoint_id, message_id, type, account_id, state, next_attempt_at, created_at)
       select id, tenant, endpoint, message, type, account, 'pending',
              coalesce(to_timestamp(wait / 1000), least(to_timestamp(at / 1000), now()) - interval '1 second'),
              to_timestamp(at / 1000)
         from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::double precision[],
                     $8::double precision[])
           as n(id, tenant, endpoint, message, type, account, at, wait)
       on conflict do nothing returning 1)
     select count(*) as count, pg_notify('${DELIVERY_CHANNEL}', '') as woken from new`,
    [
      textArray(rows.map((row) => row.id)),
      textArray(rows.map((row) => row.notification.tenantId)),
      textArray(rows.map((row) => row.endpointId)),
      textArray(rows.map((row) => row.messageId)),
      textArray(rows.map((row) => row.notification.type)),
      textArray(rows.map((row) => row.notification.accountId)),
      numberArray(rows.map((row) => row.notification.at)),
      numberArray(rows.map((row) => row.notification.notBefore ?? null)),
    ],
  )
  return inserted!.count
}

const bodyOf = (notification: Notification, kind: EndpointKind): string =>
  kind === 'slack' ? JSON.stringify(slackMessage(notification)) : textOf(notification.body)
