import { toInstant } from '#libs/runtime/clock.ts'
import { newId } from '#libs/runtime/ids.ts'
import type { Notification } from './notification.ts'

type AboutTenant = Pick<Notification, 'notificationId' | 'tenantId' | 'type' | 'severity' | 'at'> & {
  readonly ownerId?: string | null
  /** Members of the body's `data`, beside the tenant. */
  readonly data: object
}

/** A notification about no single account. */
export const tenantNotification = ({ data, ownerId = null, ...about }: AboutTenant): Notification => {
  const { type, at, tenantId } = about
  return {
    ...about,
    accountId: null,
    ownerId,
    traits: {},
    body: { type, timestamp: toInstant(at), data: { tenantId, ...data } },
  }
}

/** A test notification. Each has a new id. */
export const testNotification = (tenantId: string, at: number): Notification =>
  tenantNotification({
    notificationId: newId(),
    tenantId,
    type: 'webhook.test',
    severity: 'info',
    at,
    data: { message: 'Webhooks of Pulso reach this endpoint' },
  })
