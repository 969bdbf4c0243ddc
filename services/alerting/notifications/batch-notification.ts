import type { Notification, WebhookType } from './notification.ts'
import { tenantNotification } from './tenant-notification.ts'

/** Receivers are promised less than 20 KB. */
const MAX_BODY_BYTES = 20_000
const MAX_ALERTS = 100

export type AlertLine = { readonly accountId: string } & Readonly<Record<string, unknown>>

type Batch = {
  readonly notificationId: string
  readonly type: WebhookType
  readonly tenantId: string
  readonly ownerId: string | null
  readonly at: number
  readonly alerts: readonly AlertLine[]
  /** Further members of the body's `data`. */
  readonly extra?: object
}

/** A notification about several alerts: lists the alerts that fit and counts the others. */
export const batchNotification = ({
  alerts,
  extra,
  ownerId,
  ...about
}: Batch): { readonly notification: Notification; readonly accountIds: readonly string[] } => {
  const notificationOf = (lines: readonly AlertLine[]): Notification => {
    const cut = lines.length < alerts.length ? { alertsCut: alerts.length - lines.length } : {}
    const data = { ownerId, ...extra, count: alerts.length, alerts: lines, ...cut }
    return tenantNotification({ ...about, ownerId, severity: null, data })
  }
  let shown = alerts.slice(0, MAX_ALERTS)
  while (shown.length > 0 && Buffer.byteLength(JSON.stringify(notificationOf(shown).body)) >= MAX_BODY_BYTES)
    shown = shown.slice(0, Math.floor(shown.length / 2))
  return { notification: notificationOf(shown), accountIds: shown.map(({ accountId }) => accountId) }
}
