import type { Sql } from '#libs/postgres/database.ts'
import { type DecidedTransition, recordTransitions } from '../alerts/record-transitions.ts'
import type { Notification } from '../notifications/notification.ts'
import { type RoutingContext, routeNotifications } from '../notifications/route-notifications.ts'
import { transitionNotification } from '../notifications/transition-notification.ts'

export type Decided = {
  readonly routing: RoutingContext
  readonly transitions: readonly DecidedTransition[]
  /** Notifications of changes that are no alerts. */
  readonly changes?: readonly Notification[]
}

export const recordAndNotify = async (tx: Sql, { transitions, changes = [], routing }: Decided): Promise<void> => {
  const recorded = await recordTransitions(tx, transitions)
  const notifications = recorded.flatMap((transition) => transitionNotification(transition) ?? [])
  await routeNotifications(tx, [...changes, ...notifications], routing)
}
