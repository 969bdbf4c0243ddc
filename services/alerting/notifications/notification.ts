import type { Severity } from '#libs/contracts/severity.ts'

/** What an endpoint can subscribe to. */
export const WEBHOOK_TYPES = [
  'health.changed',
  'band.changed',
  'stage.changed',
  'onboarding.step_completed',
  'alert.firing',
  'alert.resolved',
  'alert.acknowledged',
  'alert.escalated',
  'alert.grouped',
  'alert.digest',
  'opportunity.detected',
  'source.silent',
  'source.recovered',
  'outage.detected',
  'outage.recovered',
  'endpoint.disabled',
  'webhook.test',
] as const
export type WebhookType = (typeof WEBHOOK_TYPES)[number]

/** A message to endpoints. It is enqueued in the transaction of its cause. */
export type Notification = {
  /** Derived from the cause: enqueueing it again finds the same deliveries. */
  readonly notificationId: string
  readonly tenantId: string
  readonly accountId: string | null
  readonly type: WebhookType
  readonly severity: Severity | null
  readonly ownerId: string | null
  /** Traits of the account, for the filters of endpoints. */
  readonly traits: Readonly<Record<string, unknown>>
  /** Epoch ms. */
  readonly at: number
  /** Earliest delivery, epoch ms. */
  readonly notBefore?: number
  /** Endpoints that take groups get it with its group. */
  readonly grouped?: boolean
  /** Unless empty: exactly these endpoints, whatever they subscribe to. */
  readonly endpointIds?: readonly string[]
  /** `{type, timestamp, data}`: turned into bytes once, so every attempt sends the same. */
  readonly body: object
}
