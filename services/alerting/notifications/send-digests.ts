import type { Sql } from '#libs/postgres/database.ts'
import { toInstant } from '#libs/runtime/clock.ts'
import { DAY_MS } from '#libs/runtime/durations.ts'
import { derivedId } from '#libs/runtime/ids.ts'
import type { ReportUnreadable } from '#libs/runtime/unreadable-documents.ts'
import { nextDigestAt } from '../core/alert/notification-policy.ts'
import { readPolicy } from '../policy/policy-document.ts'
import { claimDueDigests, type DueDigest, digested } from '../policy/policy-store.ts'
import { type AlertLine, batchNotification } from './batch-notification.ts'
import { type DigestRow, openedIn } from './digest-store.ts'
import { enqueueNotifications, messageIdOf } from './enqueue-deliveries.ts'
import { noteAccountsOf } from './group-store.ts'

const CLAIM = 10

/** Sends the due digests, one per owner; returns the number of tenants with a due digest. */
export const sendDueDigests = async (tx: Sql, now: number, reportUnreadable?: ReportUnreadable): Promise<number> => {
  const due = await claimDueDigests(tx, now, CLAIM)
  for (const digest of due) {
    await sendDigest(tx, digest, now, reportUnreadable)
    // After days without a running process, one digest covers them all.
    await digested(tx, digest.tenantId, now, nextAt(digest, now))
  }
  return due.length
}

/** Times that another release has stored and this one cannot read: it goes out once a day. */
const nextAt = ({ document }: DueDigest, now: number): number | null => {
  const { policy, isDigestReadable } = readPolicy(document)
  if (!isDigestReadable) return now + DAY_MS
  return policy.digest && nextDigestAt(policy.digest, now)
}

const sendDigest = async (
  tx: Sql,
  { tenantId, dueAt, digestedAt }: DueDigest,
  now: number,
  reportUnreadable?: ReportUnreadable,
): Promise<void> => {
  const from = digestedAt ?? dueAt - DAY_MS
  const rows = await openedIn(tx, tenantId, from, now)
  for (const [ownerId, alerts] of Map.groupBy(rows, (row) => row.ownerId)) {
    const { notification, accountIds } = batchNotification({
      notificationId: derivedId('alert-digest', tenantId, ownerId === null ? 'nobody' : `of ${ownerId}`, now),
      type: 'alert.digest',
      tenantId,
      ownerId,
      at: now,
      alerts: alerts.map(lineOf),
      extra: { from: toInstant(from), until: toInstant(now) },
    })
    await enqueueNotifications(tx, [notification], reportUnreadable)
    const messageIds = [messageIdOf(notification, 'standard'), messageIdOf(notification, 'slack')]
    await noteAccountsOf(tx, tenantId, messageIds, accountIds)
  }
}

const lineOf = (row: DigestRow): AlertLine => ({
  id: row.alertId,
  accountId: row.accountId,
  ruleId: row.ruleId,
  severity: row.severity,
  state: row.state,
  openedAt: toInstant(row.openedAt),
  resolvedAt: row.resolvedAt === null ? null : toInstant(row.resolvedAt),
  told: row.told,
  notToldBecause: row.muted,
})
