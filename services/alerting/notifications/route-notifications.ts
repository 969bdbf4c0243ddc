import type { Sql } from '#libs/postgres/database.ts'
import type { ReportUnreadable } from '#libs/runtime/unreadable-documents.ts'
import { type NotificationPolicy, quietUntil } from '../core/alert/notification-policy.ts'
import { enqueueNotifications } from './enqueue-deliveries.ts'
import { addToGroups, type Grouped } from './group-store.ts'
import type { Notification, WebhookType } from './notification.ts'

const GROUPED: readonly WebhookType[] = ['alert.firing', 'alert.resolved']
const RECOVERIES: readonly WebhookType[] = ['alert.resolved', 'source.recovered', 'outage.recovered']
const ROUTED: readonly WebhookType[] = [...GROUPED, ...RECOVERIES, 'alert.escalated']

export type RoutingContext = {
  readonly policies: ReadonlyMap<string, NotificationPolicy>
  readonly reportUnreadable: ReportUnreadable
}

/** A recovery waits for the end of quiet hours, a grouped alert for the window of its group. */
export const routeNotifications = async (
  tx: Sql,
  notifications: readonly Notification[],
  { policies, reportUnreadable }: RoutingContext,
): Promise<void> => {
  const groups: Grouped[] = []
  const notified = notifications.map((notification): Notification => {
    const policy = policies.get(notification.tenantId)
    if (!policy || !ROUTED.includes(notification.type)) return notification
    const { escalation, grouping } = policy
    if (notification.type === 'alert.escalated')
      return escalation
        ? { ...notification, severity: escalation.severity, endpointIds: escalation.endpointIds }
        : notification
    const notBefore = RECOVERIES.includes(notification.type)
      ? quietUntil(policy.quietHours, notification.severity ?? 'info', notification.at)
      : null
    const grouped =
      GROUPED.includes(notification.type) &&
      (grouping?.severities.some((one) => one === notification.severity) ?? false)
    if (grouped) groups.push({ notification, dueAt: Math.max(notification.at + grouping!.windowMs, notBefore ?? 0) })
    return { ...notification, grouped, ...(notBefore === null ? {} : { notBefore }) }
  })
  await addToGroups(tx, groups)
  await enqueueNotifications(tx, notified, reportUnreadable)
}
