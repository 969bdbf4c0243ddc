import { LEASE_MS } from '../../services/alerting/delivery/claim-loop.ts'
import { eventually } from '../support/eventually.ts'
import type { ApiReader } from './api-reader.ts'
import type { ShownEvent } from './check-account.ts'
import type { ShownAlert } from './check-alerts.ts'
import type { Sender } from './send-events.ts'

const SETTLE_MS = 120_000

/**
 * Waits until every account shows as many events as were acknowledged for it; what it shows is
 * checked later, once. Answers whether they do.
 */
export const counted = async (reader: ApiReader, scoring: string, sender: Sender): Promise<boolean> => {
  const waiting = new Map([...sender.acknowledged].map(([accountId, ids]) => [accountId, ids.size]))
  return eventually(
    'every acknowledged event is counted',
    async () => {
      for (const [accountId, count] of waiting) {
        const events = await reader.all<ShownEvent>(`${scoring}/v1/accounts/${accountId}/events`).catch(() => [])
        if (events.length < count) return false
        waiting.delete(accountId)
      }
      return true
    },
    SETTLE_MS,
  ).then(
    () => true,
    (error: Error) => {
      // Left to the checker, which says what is missing.
      process.stderr.write(`${error.message}; ${waiting.size} accounts wait\n`)
      return false
    },
  )
}

/**
 * A delivery whose process was killed amid the call is free again when its lease has ended, and is
 * then called at once.
 */
const LEASE_ENDS_MS = LEASE_MS + 15_000

/**
 * The alerts, once nothing new has come for `restMs`: neither an alert nor a webhook, and every
 * alert that was told has arrived.
 */
export const settledAlerts = async (
  reader: ApiReader,
  alerting: string,
  told: () => number,
  restMs: number,
): Promise<ShownAlert[]> => {
  let alerts: ShownAlert[] = []
  let before = ''
  let since = performance.now()
  await eventually(
    'alerting comes to rest',
    async () => {
      alerts = await reader.all<ShownAlert>(`${alerting}/v1/alerts`)
      const toDeliver = alerts.filter((alert) => alert.told).length
      const now = `${alerts.map((alert) => alert.state).join()} ${told()}`
      if (now !== before) since = performance.now()
      before = now
      const quietForMs = performance.now() - since
      return quietForMs > (told() < toDeliver ? LEASE_ENDS_MS : restMs)
    },
    SETTLE_MS,
  )
  return alerts
}
