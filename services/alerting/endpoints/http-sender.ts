import { Agent, type Dispatcher } from 'undici'
import type { Clock } from '#libs/runtime/clock.ts'
import type { SendFailure, SendResult } from '../core/delivery/classify-response.ts'
import { hideUrl } from '../core/delivery/hide-url.ts'
import { ConnectError, createGuardedConnector, type Network, systemNetwork } from './guarded-connector.ts'
import { validateUrl, type WebhookRules } from './validate-url.ts'

export type WebhookRequest = {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** Posts once and follows no redirect. Never throws: a failure is a result. */
export type SendWebhook = (request: WebhookRequest) => Promise<SendResult>

export type WebhookSender = { readonly send: SendWebhook; readonly close: () => Promise<void> }

const CALL_MS = 15_000
const READ_BYTES = 16 * 1_024
const KEPT_BYTES = 1_024

type SenderDeps = {
  readonly clock: Clock
  readonly rules: WebhookRules
  readonly network?: Network
}

/** The only door to tenants' servers. Its agent ignores the proxy variables of the environment. */
export const createWebhookSender = ({ clock, rules, network = systemNetwork(clock) }: SenderDeps): WebhookSender => {
  const agent = new Agent({
    connect: createGuardedConnector({ rules, network, clock }),
    allowH2: false,
    pipelining: 1,
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 10_000,
  })

  const send: SendWebhook = async ({ url, headers, body }) => {
    const startedAt = clock.now()
    const failed = (reason: SendFailure): SendResult => ({ kind: 'failed', reason, latencyMs: clock.now() - startedAt })
    const verdict = validateUrl(url, rules)
    if (!verdict.allowed) return failed('url_not_allowed')
    const limit = new AbortController()
    const cancel = clock.after(CALL_MS, () => limit.abort())
    try {
      const response = await agent.request({
        origin: verdict.url.origin,
        path: verdict.url.pathname + verdict.url.search,
        method: 'POST',
        headers: { 'content-type': 'application/json', 'user-agent': 'Pulso-Webhooks/1', ...headers },
        body,
        signal: limit.signal,
      })
      const answer = await readAnswer(response.body, url)
      const retryAfter = response.headers['retry-after']
      return {
        kind: 'answered',
        status: response.statusCode,
        retryAfter: Array.isArray(retryAfter) ? retryAfter[0] : retryAfter,
        answer,
        latencyMs: clock.now() - startedAt,
      }
    } catch (error) {
      if (limit.signal.aborted) return failed('timeout')
      return failed(error instanceof ConnectError ? error.reason : 'connection_failed')
    } finally {
      cancel()
    }
  }
  return { send, close: () => agent.destroy() }
}

/**
 * Keeps the first 1 KB as text that PostgreSQL can store, without what is secret of the URL. Cuts
 * an answer off after 16 KB.
 */
const readAnswer = async (body: Dispatcher.ResponseData['body'], url: string): Promise<string> => {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    bytes += chunk.length
    // Leaving the loop destroys the body, and with it the connection.
    if (bytes > READ_BYTES) break
  }
  if (bytes === 0) return ''
  const answer = hideUrl(Buffer.concat(chunks).toString('utf8'), url)
  const text = Buffer.from(answer).subarray(0, KEPT_BYTES).toString('utf8')
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, '\ufffd')
}
