import { toInstant } from '#libs/runtime/clock.ts'
import { derivedId } from '#libs/runtime/ids.ts'
import type { RecordedTransition } from '../alerts/record-transitions.ts'
import type { Rule, TransitionKind } from '../core/alert/rule.ts'
import type { Notification, WebhookType } from './notification.ts'
import { accountBody, alertInBody } from './payload.ts'

/** The notification of a transition; undefined when nobody is notified of it. */
export const transitionNotification = (one: RecordedTransition): Notification | undefined => {
  const type = typeOf(one.kind, one.rule)
  if (!one.notifying.told || !type) return undefined
  const { subject, seen, evidence, at } = one
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
    ownerId: seen?.facts.ownerId ?? null,
    traits: seen?.traits ?? {},
    at,
    body: seen
      ? accountBody({ type, at, account: subject, seen, extra: { alert } })
      : { type, timestamp: toInstant(at), data: { tenantId: subject.tenantId, ...evidence, alert } },
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
