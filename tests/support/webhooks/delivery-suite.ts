import { afterAll, afterEach, beforeAll, beforeEach, vi } from 'vitest'
import type { Database } from '#libs/postgres/database.ts'
import { derivedId } from '#libs/runtime/ids.ts'
import type { Deliverer } from '../../../services/alerting/delivery/deliverer.ts'
import { findDelivery, type LoggedDelivery } from '../../../services/alerting/delivery/delivery-log-store.ts'
import { createAlertingDatabase, type TestDatabase } from '../postgres/alerting-database.ts'
import { notificationOf, startDeliverer, TENANT } from './deliveries.ts'
import { startWebhookReceiver, type WebhookReceiver } from './webhook-receiver.ts'

export type DeliverySuite = {
  readonly db: () => Database
  /** Receiver and deliverer are stopped after each test. */
  readonly receiver: (reply?: Parameters<typeof startWebhookReceiver>[0]) => Promise<WebhookReceiver>
  readonly deliverer: (deps?: Partial<Parameters<typeof startDeliverer>[0]>) => Promise<Deliverer>
  /** The log of the notice of that name at an endpoint. */
  readonly loggedOf: (name: string, endpointId: string) => Promise<LoggedDelivery & { readonly body: string }>
  /** Deliveries by state. */
  readonly states: () => Promise<Record<string, number>>
  /** Resolves once the assertion holds. */
  readonly once: (assertion: () => unknown) => Promise<unknown>
}

/** One database for the tests of a file, empty before each. */
export const deliverySuite = (): DeliverySuite => {
  let testDatabase: TestDatabase
  const stops: (() => Promise<void>)[] = []
  beforeAll(async () => {
    testDatabase = await createAlertingDatabase()
  })
  afterAll(() => testDatabase.drop())
  beforeEach(async () => {
    await testDatabase.database.query(
      'truncate alerting.delivery, alerting.webhook_message, alerting.webhook_endpoint cascade',
    )
  })
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop()
  })
  const stopped = <T extends { readonly stop: () => Promise<void> }>(started: T): T => {
    stops.push(started.stop)
    return started
  }
  return {
    db: () => testDatabase.database,
    receiver: async (reply) => stopped(await startWebhookReceiver(reply)),
    deliverer: async (deps) => stopped(await startDeliverer({ database: testDatabase.database, ...deps })),
    loggedOf: async (name, endpointId) =>
      (await findDelivery(testDatabase.database, TENANT, derivedId(notificationOf(name).notificationId, endpointId)))!,
    states: async () => {
      const rows = await testDatabase.database.query<{ state: string; count: number }>(
        'select state, count(*) as count from alerting.delivery group by state',
      )
      return Object.fromEntries(rows.map(({ state, count }) => [state, count]))
    },
    once: (assertion) => vi.waitFor(assertion, { timeout: 10_000, interval: 10 }),
  }
}
