import type { Database } from '#libs/postgres/database.ts'
import { type Clock, toInstant } from '#libs/runtime/clock.ts'
import { derivedId } from '#libs/runtime/ids.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import { DISABLE_AFTER_MS } from '../core/delivery/decide-delivery.ts'
import { enqueueNotifications } from '../notifications/enqueue-deliveries.ts'
import { tenantNotification } from '../notifications/tenant-notification.ts'
import type { AttemptOutcome } from './attempt-delivery.ts'
import type { DeliveryTarget } from './claim-store.ts'
import { disableEndpoint } from './endpoint-health-store.ts'

type DisableDeps = { readonly database: Database; readonly clock: Clock; readonly logger: Logger }

/** Disables each endpoint that an outcome says is gone or has only failed for 5 days. */
export const disableEndpoints = async (
  { database, clock, logger }: DisableDeps,
  outcomes: readonly AttemptOutcome[],
): Promise<void> => {
  const seen = new Set<string>()
  for (const { effect, target } of outcomes) {
    const { tenantId, endpointId } = target
    if (effect.endpoint !== 'disable' || seen.has(endpointId)) continue
    seen.add(endpointId)
    const { reason } = effect
    if (await disableAndNotify(database, target, { reason, now: clock.now() }))
      logger.warn({ tenantId, endpointId, reason }, 'webhook endpoint disabled')
  }
}

type Disabling = { readonly reason: 'gone' | 'failed_for_5_days'; readonly now: number }

/** Disables an endpoint and notifies the tenant's others. True in the one replica that did it. */
const disableAndNotify = (
  database: Database,
  { endpointId, tenantId }: DeliveryTarget,
  { reason, now }: Disabling,
): Promise<boolean> =>
  database.transaction(async (tx) => {
    const failingBefore = reason === 'gone' ? null : now - DISABLE_AFTER_MS
    if (!(await disableEndpoint(tx, endpointId, { reason, failingBefore, now }))) return false
    const notification = tenantNotification({
      notificationId: derivedId('endpoint.disabled', endpointId, now),
      tenantId,
      type: 'endpoint.disabled',
      severity: 'warning',
      at: now,
      data: { endpointId, reason, disabledAt: toInstant(now) },
    })
    await enqueueNotifications(tx, [notification])
    return true
  })
