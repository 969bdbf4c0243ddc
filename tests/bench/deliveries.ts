import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Agent } from 'undici'
import type { Database } from '#libs/postgres/database.ts'
import { signWebhook } from '../../services/alerting/core/delivery/sign-webhook.ts'
import { addEndpoint, enqueueAll, notificationOf, startDeliverer } from '../support/webhooks/deliveries.ts'
import { type Figure, type Run, withCleanup } from './bench-run.ts'
import { startAlertingDatabase } from './parts.ts'

const IN_FLIGHT = 64

/** Webhooks delivered by one process to a receiver in another, everything recorded. */
export const deliveries = (run: Run): Promise<Figure> =>
  withCleanup(async (defer) => {
    const events = run.sizes.deliveries
    const database = await startAlertingDatabase(defer)
    const sink = await startSink()
    defer(async () => sink.stop())
    // Before and after, and the better of the two: a machine that is busy for a while flatters
    // nobody.
    const first = await bareLoop(sink.port, Math.min(events, 20_000))
    const perSecond = await delivered(database, sink.port, events)
    const bare = Math.max(first, await bareLoop(sink.port, Math.min(events, 20_000)))
    return { bench: 'deliveries', events, perSecond: Math.round(perSecond), ratio: perSecond / bare }
  })

const startSink = async (): Promise<{ port: number; stop: () => void }> => {
  const path = fileURLToPath(new URL('./webhook-sink.ts', import.meta.url))
  const child = spawn(process.execPath, [path], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [line] = (await once(child.stdout!, 'data')) as [Buffer]
  return { port: Number(line.toString()), stop: () => child.stdin!.end() }
}

const bareLoop = async (port: number, count: number): Promise<number> => {
  const agent = new Agent({ allowH2: false })
  const secrets = [Buffer.alloc(32, 1)]
  const body = Buffer.from(JSON.stringify(notificationOf('bare').body))
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < count) {
      const webhookId = `msg-${next++}`
      const headers = signWebhook({ webhookId, body, at: Date.now(), secrets })
      const response = await agent.request({
        origin: `http://127.0.0.1:${port}`,
        path: '/hook',
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body,
      })
      await response.body.dump()
    }
  }
  const startedAt = performance.now()
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker))
  const perSecond = (count * 1_000) / (performance.now() - startedAt)
  await agent.close()
  return perSecond
}

const delivered = async (database: Database, port: number, count: number): Promise<number> => {
  await addEndpoint(database, `http://127.0.0.1:${port}/hook`)
  for (let from = 0; from < count; from += 1_000)
    await enqueueAll(
      database,
      Array.from({ length: Math.min(1_000, count - from) }, (_, index) => notificationOf(`bench ${from + index}`)),
    )
  await database.query('analyze alerting.delivery')
  const startedAt = performance.now()
  const deliverer = await startDeliverer({ database, schedule: [0, 5_000, 60_000] })
  for (;;) {
    const [row] = await database.query<{ pending: boolean }>(
      "select exists(select from alerting.delivery where state = 'pending') as pending",
    )
    if (!row!.pending) break
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const perSecond = (count * 1_000) / (performance.now() - startedAt)
  await deliverer.stop()
  return perSecond
}
