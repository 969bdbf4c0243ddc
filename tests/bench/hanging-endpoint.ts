import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { Database } from '#libs/postgres/database.ts'
import { derivedId } from '#libs/runtime/ids.ts'
import { addEndpoint, enqueueAll, notificationOf, startDeliverer } from '../support/webhooks/deliveries.ts'
import { type Figure, type Run, type Sizes, withCleanup } from './bench-run.ts'
import { share } from './latency.ts'
import { startAlertingDatabase } from './parts.ts'

const ENDPOINTS = 20
/** Each is told of a notice this often. */
const EVERY_MS = 25
const PATIENCE_MS = 30_000

type Receiver = { readonly url: string; readonly arrivals: ReadonlyMap<string, number>; readonly stop: () => void }

/** Answers at once, but for calls to `/hang`. */
const startReceiver = async (): Promise<Receiver> => {
  const arrivals = new Map<string, number>()
  const server = createServer((request, response) => {
    request.resume()
    if (request.url === '/hang') return
    const id = String(request.headers['webhook-id'])
    if (!arrivals.has(id)) arrivals.set(id, performance.now())
    response.writeHead(204).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const stop = (): void => {
    server.closeAllConnections()
    server.close()
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, arrivals, stop }
}

/**
 * From commit to arrival at all endpoints that answer, sorted; the last of them hangs if `hangs`.
 */
const measure = (hangs: boolean, { latencySeconds, warmUpSeconds }: Sizes): Promise<readonly number[]> =>
  withCleanup(async (defer) => {
    const database = await startAlertingDatabase(defer)
    const receiver = await startReceiver()
    defer(async () => receiver.stop())
    const endpoints = await addEndpoints(database, receiver.url, hangs)
    const deliverer = await startDeliverer({ database, schedule: [0, 5_000, 300_000] })
    defer(deliverer.stop)
    const committedAt: number[] = []
    const startedAt = performance.now()
    for (let notification = 0; notification * EVERY_MS < (warmUpSeconds + latencySeconds) * 1_000; notification++) {
      await pause(Math.max(0, startedAt + notification * EVERY_MS - performance.now()))
      await enqueueAll(database, [notificationOf(notification)])
      committedAt.push(performance.now())
    }
    const wanted = committedAt.length * endpoints.length
    const giveUpAt = performance.now() + PATIENCE_MS
    while (receiver.arrivals.size < wanted && performance.now() < giveUpAt) await pause(20)
    if (receiver.arrivals.size < wanted)
      throw new Error(`${wanted - receiver.arrivals.size} of ${wanted} webhooks never came`)
    return committedAt
      .slice((warmUpSeconds * 1_000) / EVERY_MS)
      .flatMap((at, i) => {
        const { notificationId } = notificationOf((warmUpSeconds * 1_000) / EVERY_MS + i)
        return endpoints.map((endpointId) => receiver.arrivals.get(derivedId(notificationId, endpointId))! - at)
      })
      .sort((a, b) => a - b)
  })

const addEndpoints = async (database: Database, url: string, hangs: boolean): Promise<readonly string[]> => {
  const answering: string[] = []
  for (let i = 0; i < ENDPOINTS - 1; i++) answering.push((await addEndpoint(database, `${url}/hook`)).endpointId)
  const { endpointId } = await addEndpoint(database, `${url}/${hangs ? 'hang' : 'hook'}`)
  return hangs ? answering : [...answering, endpointId]
}

/** One of 20 endpoints never answers: what the others notice of it. */
export const hangingEndpoint = async ({ sizes }: Run): Promise<Figure> => {
  // Whoever is measured first would pay for the compiler.
  await measure(false, { ...sizes, latencySeconds: 1 })
  const calm = await measure(false, sizes)
  const sorted = await measure(true, sizes)
  return {
    bench: 'hanging-endpoint',
    events: sorted.length,
    perSecond: (ENDPOINTS * 1_000) / EVERY_MS,
    ratio: share(sorted, 0.99) / share(calm, 0.99),
    p50Ms: share(sorted, 0.5),
    p99Ms: share(sorted, 0.99),
    maxMs: share(sorted, 1),
  }
}
