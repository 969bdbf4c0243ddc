import type { Sql } from '#libs/postgres/database.ts'
import { type NotificationPolicy, quietUntil } from '../core/alert/notification-policy.ts'
import { policiesOf } from '../policy/policy-store.ts'
import { enqueueNotices } from './enqueue-deliveries.ts'
import { addToGroups, type Grouped } from './group-store.ts'
import type { Notice, WebhookType } from './notification.ts'

const GROUPED: readonly WebhookType[] = ['alert.firing', 'alert.resolved']
const RECOVERIES: readonly WebhookType[] = ['alert.resolved', 'source.recovered', 'outage.recovered']
const ROUTED: readonly WebhookType[] = [...GROUPED, ...RECOVERIES, 'alert.escalated']

/**
 * Hands notices to endpoints as the policy of their tenant wants it, in the caller's transaction: recoveries in quiet hours wait for their end, alerts that
 * are grouped wait for their window (for endpoints that take groups), escalations go where the policy says.
 */
export const tellNotices = async (tx: Sql, notices: readonly Notice[]): Promise<void> => {
  const routed = notices.filter(({ type }) => ROUTED.includes(type))
  const tenantIds = [...new Set(routed.map((notice) => notice.tenantId))]
  const policies = tenantIds.length === 0 ? new Map<string, NotificationPolicy>() : await policiesOf(tx, tenantIds)
  const groups: Grouped[] = []
  const told = notices.map((notice): Notice => {
    const policy = policies.get(notice.tenantId)
    if (!policy || !ROUTED.includes(notice.type)) return notice
    const { escalation, grouping } = policy
    if (notice.type === 'alert.escalated')
      return escalation ? { ...notice, severity: escalation.severity, endpointIds: escalation.endpointIds } : notice
    const notBefore = RECOVERIES.includes(notice.type)
      ? quietUntil(policy.quietHours, notice.severity ?? 'info', notice.at)
      : null
    const grouped =
      GROUPED.includes(notice.type) && (grouping?.severities.some((one) => one === notice.severity) ?? false)
    if (grouped) groups.push({ notice, dueAt: Math.max(notice.at + grouping!.windowMs, notBefore ?? 0) })
    return { ...notice, grouped, ...(notBefore === null ? {} : { notBefore }) }
  })
  await addToGroups(tx, groups)
  await enqueueNotices(tx, told)
}
