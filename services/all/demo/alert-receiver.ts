import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'
import { type AlertBody, alertLine } from './alert-line.ts'

export type AlertReceiver = {
  readonly port: number
  readonly url: string
  /** Sets the secret; until then webhooks are answered 503 and retried. */
  readonly verifyWith: (secret: string) => void
  readonly stop: () => Promise<void>
}

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

/** Works like a customer's receiver: verifies the signature and drops repeated webhooks. */
export const startAlertReceiver = async (write: (line: string) => void): Promise<AlertReceiver> => {
  let webhook: Webhook | undefined
  const seen = new Set<string>()
  const server = createServer(async (request, response) => {
    try {
      if (!webhook) return void response.writeHead(503).end()
      const body = webhook.verify(await bodyOf(request), request.headers as Record<string, string>) as AlertBody
      const id = String(request.headers['webhook-id'])
      if (!seen.has(id)) write(`${alertLine(body)}  [signature verified]`)
      seen.add(id)
      response.writeHead(204).end()
    } catch (error) {
      write(`webhook refused, signature not valid: ${(error as Error).message}`)
      response.writeHead(400).end()
    }
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `http://127.0.0.1:${port}/alerts`,
    verifyWith: (secret) => {
      webhook = new Webhook(secret)
    },
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
