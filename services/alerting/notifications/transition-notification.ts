import { derivedId } from '#libs/runtime/ids.ts'
import type { DecidedTransition } from '../alerts/record-transitions.ts'
import type { Rule, TransitionKind } from '../core/alert/rule.ts'
import type { Notification, WebhookType } from './notification.ts'
import { alertInBody } from './payload.ts'

/** What endpoints are told of a transition; undefined when nobody is. */
export const transitionNotification = (
  one: DecidedTransition & { readonly alertId: string },
): Notification | undefined => {
  const type = typeOf(one.kind, one.rule)
  if (!one.notifying.told || !type) return undefined
  const { subject, snapshot, at } = one
  const alert = {
    ...alertInBody(one.alertId, one.rule, one.state, one),
    ...(one.kind === 'acknowledged' && one.actor ? { acknowledgedBy: one.actor } : {}),
  }
  return {
    notificationId: derivedId('alert-transition', one.alertId, one.position),
    tenantId: subject.tenantId,
    accountId: subject.accountId,
    type,
    severity: one.rule.severity,
    ownerId: snapshot.ownerId,
    traits: snapshot.traits,
    at,
    body: snapshot.body(type, at, { alert }),
  }
}

const FIRING = { account: 'alert.firing', source: 'source.silent', tenant: 'outage.detected' } as const
const RESOLVED = { account: 'alert.resolved', source: 'source.recovered', tenant: 'outage.recovered' } as const

const typeOf = (kind: TransitionKind, rule: Rule): WebhookType | undefined => {
  switch (kind) {
    case 'firing':
    case 'reminder':
      return rule.tells === 'opportunity' ? 'opportunity.detected' : FIRING[rule.about.kind]
    case 'resolved':
      return RESOLVED[rule.about.kind]
    case 'escalated':
      return 'alert.escalated'
    case 'acknowledged':
      return 'alert.acknowledged'
    default:
      return undefined
  }
}
