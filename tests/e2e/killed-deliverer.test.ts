import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { systemClock } from '#libs/runtime/clock.ts'
import { createAlertingDatabase, type TestDatabase } from '../support/postgres/alerting-database.ts'
import { addEndpoint, enqueueAll, notificationOf, startDeliverer } from '../support/webhooks/deliveries.ts'
import { startWebhookReceiver, type WebhookReceiver } from '../support/webhooks/webhook-receiver.ts'

const COUNT = 3_000
const KILLS = 4
let testDatabase: TestDatabase
let receiver: WebhookReceiver
beforeAll(async () => {
  testDatabase = await createAlertingDatabase()
  receiver = await startWebhookReceiver()
})
afterAll(async () => {
  await receiver.stop()
  await testDatabase.drop()
})

const startMember = (): ChildProcess =>
  spawn(
    process.execPath,
    [fileURLToPath(new URL('../support/processes/delivery-member.ts', import.meta.url)), testDatabase.connectionString],
    { stdio: ['pipe', 'ignore', 'inherit'] },
  )

test('deliverers killed in the middle lose nothing: every id arrives, with the same bytes, and is recorded', async () => {
  const { secret } = await addEndpoint(testDatabase.database, receiver.url)
  receiver.setSecret(secret)
  await enqueueAll(
    testDatabase.database,
    Array.from({ length: COUNT }, (_, index) => notificationOf(index)),
  )
  for (let kill = 1; kill <= KILLS; kill++) {
    const before = receiver.received.length
    const member = startMember()
    await vi.waitFor(() => expect(receiver.received.length).toBeGreaterThan(before + 50), {
      timeout: 20_000,
      interval: 2,
    })
    member.kill('SIGKILL')
    await once(member, 'exit')
  }
  // The leases of the dead have ended by this one's clock.
  const clock = { ...systemClock, now: () => Date.now() + 60_000 }
  const survivor = await startDeliverer({ database: testDatabase.database, clock })
  const states = () =>
    testDatabase.database.query('select state, count(*) as count from alerting.delivery group by state')
  await vi.waitFor(async () => expect(await states()).toEqual([{ state: 'delivered', count: COUNT }]), {
    timeout: 30_000,
  })
  await survivor.stop()
  const calls = Map.groupBy(receiver.received, ({ id }) => id)
  expect(calls.size).toBe(COUNT)
  for (const same of calls.values()) expect(new Set(same.map(({ body }) => body)).size).toBe(1)
  expect(receiver.received.every(({ verified }) => verified)).toBe(true)
  // What was sent twice was under way at a kill: far from everything.
  expect(receiver.received.length).toBeLessThan(COUNT + KILLS * 1_000)
})
