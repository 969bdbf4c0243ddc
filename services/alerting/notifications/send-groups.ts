import type { Sql } from '#libs/postgres/database.ts'
import { derivedId } from '#libs/runtime/ids.ts'
import type { ReportUnreadable } from '#libs/runtime/unreadable-documents.ts'
import { matchesEndpoint, takesGroups } from '../core/delivery/matches-endpoint.ts'
import { type AlertLine, batchNotification } from './batch-notification.ts'
import { enabledEndpoints, enqueueFor, messageIdOf, type Target } from './enqueue-deliveries.ts'
import { claimDueGroups, membersOf, type NotificationGroup, noteAccountsOf, removeGroup } from './group-store.ts'
import type { Notification } from './notification.ts'

const CLAIM = 50

/** Sends each group whose window has ended; returns the number of groups. */
export const sendDueGroups = async (tx: Sql, now: number, reportUnreadable?: ReportUnreadable): Promise<number> => {
  const groups = await claimDueGroups(tx, now, CLAIM)
  if (groups.length === 0) return 0
  const tenantIds = [...new Set(groups.map((group) => group.tenantId))]
  const targets = await enabledEndpoints(tx, tenantIds, reportUnreadable)
  for (const group of groups) {
    const members = await membersOf(tx, group.groupId)
    for (const target of targets)
      if (target.tenantId === group.tenantId && takesGroups(target)) await sendTo(tx, { group, target, members, now })
    await removeGroup(tx, group.groupId)
  }
  return groups.length
}

type Sending = {
  readonly group: NotificationGroup
  readonly target: Target
  readonly members: readonly Notification[]
  readonly now: number
}

const sendTo = async (tx: Sql, { group, target, members, now }: Sending): Promise<void> => {
  // An endpoint that takes groups takes each alert in them.
  const matching = members.filter((notification) => matchesEndpoint(target, { ...notification, type: 'alert.grouped' }))
  const [only, second] = matching
  if (!only) return
  if (!second && matchesEndpoint(target, only)) {
    await enqueueFor(tx, target, only)
    return
  }
  const { notification, accountIds } = batchNotification({
    notificationId: derivedId('alert-group', group.groupId, target.endpointId),
    type: 'alert.grouped',
    tenantId: group.tenantId,
    ownerId: group.ownerId === '' ? null : group.ownerId,
    at: now,
    alerts: linesOf(matching),
  })
  await enqueueFor(tx, target, notification)
  await noteAccountsOf(tx, group.tenantId, [messageIdOf(notification, target.kind)], accountIds)
}

type InBody = { readonly data: { readonly alert: { readonly id: string }; readonly health?: Record<string, unknown> } }
const ORDER: readonly unknown[] = ['critical', 'warning', 'info']

/** One line per alert, in its last state; the most severe first. */
const linesOf = (notifications: readonly Notification[]): readonly AlertLine[] => {
  const lines = new Map<string, AlertLine & { readonly severity: unknown }>()
  for (const notification of notifications) {
    const { alert, health } = (notification.body as InBody).data
    lines.set(alert.id, {
      ...alert,
      accountId: notification.accountId!,
      severity: notification.severity,
      state: notification.type === 'alert.resolved' ? 'resolved' : 'firing',
      score: health?.score ?? null,
      band: health?.band ?? null,
    })
  }
  return [...lines.values()].sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity))
}
