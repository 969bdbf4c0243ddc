/** Stored by their place in this list: a new kind stands at its end. */
export const SUBSCRIPTION_KINDS = [
  'Started',
  'Renewed',
  'Upgraded',
  'Downgraded',
  'Cancel Scheduled',
  'Cancel Reverted',
  'Canceled',
  'Reactivated',
] as const
export type SubscriptionKind = (typeof SUBSCRIPTION_KINDS)[number]

/** The type of an event is the prefix and a kind. */
export const SUBSCRIPTION_PREFIX = 'Subscription '
