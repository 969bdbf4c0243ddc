import type { Database } from '#libs/postgres/database.ts'
import { toInstant } from '#libs/runtime/clock.ts'
import { derivedId } from '#libs/runtime/ids.ts'
import { enqueueNotifications } from '../notifications/enqueue-deliveries.ts'
import { disableEndpoint } from './attempt-store.ts'

type Disabling = { readonly reason: string; readonly failingBefore: number | null; readonly now: number }

/** Disables an endpoint and tells the tenant's other endpoints, in one transaction. True when this call did it: of several replicas one tells. */
export const disableAndNotify = (
  database: Database,
  { endpointId, tenantId }: { readonly endpointId: string; readonly tenantId: string },
  { reason, failingBefore, now }: Disabling,
): Promise<boolean> =>
  database.transaction(async (tx) => {
    if (!(await disableEndpoint(tx, endpointId, { reason, failingBefore, now }))) return false
    const timestamp = toInstant(now)
    await enqueueNotifications(tx, [
      {
        notificationId: derivedId('endpoint.disabled', endpointId, now),
        tenantId,
        accountId: null,
        type: 'endpoint.disabled',
        severity: 'warning',
        ownerId: null,
        traits: {},
        at: now,
        body: { type: 'endpoint.disabled', timestamp, data: { tenantId, endpointId, reason, disabledAt: timestamp } },
      },
    ])
    return true
  })
