import { toInstant } from '#libs/runtime/clock.ts'
import { newId } from '#libs/runtime/ids.ts'
import type { Notification } from './notification.ts'

/** A test notification, without data of an account. Each has a new id. */
export const testNotification = (tenantId: string, now: number): Notification => ({
  notificationId: newId(),
  tenantId,
  accountId: null,
  type: 'webhook.test',
  severity: 'info',
  ownerId: null,
  traits: {},
  at: now,
  body: {
    type: 'webhook.test',
    timestamp: toInstant(now),
    data: { tenantId, message: 'Webhooks of Pulso reach this endpoint' },
  },
})
