import { createHmac, type KeyObject } from 'node:crypto'

export const formatSecret = (bytes: Buffer): string => `whsec_${bytes.toString('base64')}`

type Signed = {
  readonly webhookId: string
  readonly body: Buffer
  readonly at: number
  /** One signature per secret: several while a secret rotates. */
  readonly secrets: readonly (Buffer | KeyObject)[]
}

/** Headers of Standard Webhooks 1.0: HMAC-SHA256 over `id.timestamp.body`, timestamp in seconds. */
export const signWebhook = ({ webhookId, body, at, secrets }: Signed): Record<string, string> => {
  const timestamp = String(Math.floor(at / 1_000))
  const prefix = `${webhookId}.${timestamp}.`
  const signatures = secrets.map(
    (secret) => `v1,${createHmac('sha256', secret).update(prefix).update(body).digest('base64')}`,
  )
  return { 'webhook-id': webhookId, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') }
}
