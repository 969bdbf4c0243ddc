import type { AccountHealth } from '#libs/contracts/account-health.ts'
import { derivedId } from '#libs/runtime/ids.ts'
import type { SeenHealth } from '../core/alert/subject.ts'
import { changeTypes } from '../core/delivery/change-types.ts'
import type { Notification } from './notification.ts'
import { accountBody } from './payload.ts'

/** The notifications of a change of health. Alerts have their own. */
export const changeNotifications = (message: AccountHealth, seen: SeenHealth): readonly Notification[] =>
  changeTypes(message).flatMap((type): readonly Notification[] => {
    const notificationOf = (notificationId: string, extra: object): Notification => ({
      notificationId,
      tenantId: message.tenantId,
      accountId: message.accountId,
      type,
      severity: null,
      ownerId: message.facts.ownerId,
      traits: message.traits,
      at: seen.at,
      body: accountBody({ type, at: seen.at, account: message, seen, extra }),
    })
    return type === 'onboarding.step_completed'
      ? message.stepsCompleted.map((step) =>
          notificationOf(derivedId('change', message.changeId, type, step.journeyId, step.stepId), { step }),
        )
      : [notificationOf(derivedId('change', message.changeId, type), {})]
  })
