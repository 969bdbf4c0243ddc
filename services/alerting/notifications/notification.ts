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

/** Something webhooks tell: which endpoints get it is decided when it is enqueued, in the transaction of what it tells. */
export type Notification = {
  /** Derived from the transition or the change, so that enqueueing it again finds the same deliveries. */
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
  /** Told no earlier than then (epoch ms). */
  readonly notBefore?: number
  /** It waits in a group for endpoints that take groups. */
  readonly grouped?: boolean
  /** When there are any: only these endpoints, whatever they subscribe to. */
  readonly endpointIds?: readonly string[]
  /** `{type, timestamp, data}`: turned into bytes once, so every try sends the same. */
  readonly body: object
}
