import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'
import { request } from 'undici'
import { type Figure, type Run, withCleanup } from './bench-run.ts'
import { drive, loadOf, probeIn, share, type Watch } from './latency.ts'
import { createEnvironment, type RunningService, startPostgres, startService } from './parts.ts'
import { peakMbOf, watchPostgresMemory } from './process-use.ts'

const PER_SECOND = 1_000

type Receiver = Watch & { readonly url: string; readonly verifyWith: (secret: string) => void }

/** The end of the way is the first webhook about the probe's account whose signature is right. */
const startReceiver = async (): Promise<Receiver> => {
  const arrivals = new Map<number, number>()
  let verifier: Webhook | undefined
  const server = createServer((call, response) => {
    const chunks: Buffer[] = []
    call.on('data', (chunk: Buffer) => chunks.push(chunk))
    call.on('end', () => {
      const at = performance.now()
      response.writeHead(204).end()
      const body = Buffer.concat(chunks).toString('utf8')
      const probe = probeIn(body)
      if (probe === undefined || arrivals.has(probe)) return
      verifier?.verify(body, call.headers as Record<string, string>)
      arrivals.set(probe, at)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    arrivals,
    verifyWith: (secret) => {
      verifier = new Webhook(secret)
    },
    stop: async () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

const subscribe = async (alerting: RunningService, key: string, receiver: Receiver): Promise<void> => {
  const answer = await request(`${alerting.address}/v1/webhook-endpoints`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ url: receiver.url, eventTypes: ['health.changed'] }),
  })
  if (answer.statusCode !== 201) throw new Error(`no endpoint: ${await answer.body.text()}`)
  receiver.verifyWith(((await answer.body.json()) as { secret: string }).secret)
}

/**
 * From the instant at which an event's request was due, through three services on Kafka, to the
 * signed webhook at its receiver, who is told of every move.
 */
export const eventToWebhook = async (run: Run): Promise<Figure> => {
  const { brokers } = await run.kafka()
  return withCleanup(async (defer) => {
    const postgres = await startPostgres(defer)
    const environment = createEnvironment(postgres, {
      KAFKA_BROKERS: brokers,
      KAFKA_TOPIC_PREFIX: 'webhook-',
      PULSO_WEBHOOK_ALLOW: '127.0.0.1/32:*',
      PULSO_WEBHOOK_ALLOW_HTTP: 'true',
    })
    await startService(defer, 'scoring', environment)
    const alerting = await startService(defer, 'alerting', environment, run.profiles)
    const ingest = await startService(defer, 'ingest', environment)
    const key = environment.PULSO_BOOTSTRAP_KEY
    const receiver = await startReceiver()
    defer(receiver.stop)
    await subscribe(alerting, key, receiver)
    const memory = watchPostgresMemory()
    defer(async () => memory.stop())
    const sorted = await drive(receiver, { address: ingest.address, key }, loadOf(PER_SECOND, run.sizes))
    return {
      bench: 'event-to-webhook',
      bus: 'kafka',
      events: sorted.length,
      perSecond: PER_SECOND,
      p50Ms: share(sorted, 0.5),
      p99Ms: share(sorted, 0.99),
      maxMs: share(sorted, 1),
      peakMb: peakMbOf(alerting.pid),
      ingestPeakMb: peakMbOf(ingest.pid),
      postgresPeakMb: memory.stop(),
    }
  })
}
