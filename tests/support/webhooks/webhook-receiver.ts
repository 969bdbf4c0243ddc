import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'

export type Received = {
  readonly path?: string
  readonly id: string
  readonly body: string
  readonly headers: IncomingHttpHeaders
  /** By `standardwebhooks`, with the receiver's secret; null when it has none. */
  readonly verified: boolean | null
}

export type Reply = {
  readonly status: number
  readonly headers?: Record<string, string>
  readonly body?: string
}

export type WebhookReceiver = {
  readonly url: string
  readonly received: Received[]
  /** The `whsec_` secret to verify with. */
  setSecret: (secret: string) => void
  /** Calls under way that were never answered. */
  readonly hanging: () => number
  readonly stop: () => Promise<void>
}

/**
 * A loopback receiver that verifies and records. `reply` decides each answer (200 unless told);
 * `hang` leaves the call without one.
 */
export const startWebhookReceiver = async (
  reply: (received: Received, count: number) => Reply | 'hang' = () => ({ status: 200 }),
): Promise<WebhookReceiver> => {
  let verifier: Webhook | undefined
  const received: Received[] = []
  const hung = new Set<ServerResponse>()

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks).toString('utf8')
    const { headers } = request
    const call = {
      path: request.url ?? '',
      id: String(headers['webhook-id']),
      body,
      headers,
      verified: verify(verifier, body, headers),
    }
    received.push(call)
    const answer = reply(call, received.length)
    if (answer === 'hang') {
      hung.add(response)
      return
    }
    response.writeHead(answer.status, answer.headers).end(answer.body ?? '')
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received,
    setSecret: (secret) => {
      verifier = new Webhook(secret)
    },
    hanging: () => hung.size,
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const verify = (verifier: Webhook | undefined, body: string, headers: IncomingHttpHeaders): boolean | null => {
  if (!verifier) return null
  try {
    verifier.verify(body, headers as Record<string, string>)
    return true
  } catch {
    return false
  }
}
