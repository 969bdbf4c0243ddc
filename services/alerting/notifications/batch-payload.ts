import { toInstant } from '#libs/runtime/clock.ts'
import type { WebhookType } from './notification.ts'

/** Receivers are promised less than 20 KB. */
const MAX_BODY_BYTES = 20_000
const MAX_ALERTS = 100

export type AlertLine = { readonly accountId: string } & Readonly<Record<string, unknown>>

export type SeveralAlerts = {
  readonly type: WebhookType
  readonly tenantId: string
  readonly ownerId: string | null
  readonly at: number
  readonly alerts: readonly AlertLine[]
  readonly extra?: object
}

/** A body about several alerts. `shown` are the alerts that fit; the body counts the others. */
export const severalAlertsBody = ({
  type,
  tenantId,
  ownerId,
  at,
  alerts,
  extra,
}: SeveralAlerts): { readonly body: object; readonly shown: readonly AlertLine[] } => {
  let shown = alerts.slice(0, MAX_ALERTS)
  const bodyOf = (lines: readonly AlertLine[]): object => ({
    type,
    timestamp: toInstant(at),
    data: {
      tenantId,
      ownerId,
      ...extra,
      count: alerts.length,
      alerts: lines,
      ...(lines.length < alerts.length ? { alertsCut: alerts.length - lines.length } : {}),
    },
  })
  while (shown.length > 0 && Buffer.byteLength(JSON.stringify(bodyOf(shown))) >= MAX_BODY_BYTES)
    shown = shown.slice(0, Math.floor(shown.length / 2))
  return { body: bodyOf(shown), shown }
}
