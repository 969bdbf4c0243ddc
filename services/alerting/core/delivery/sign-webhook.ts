import { createHmac, type KeyObject } from 'node:crypto'

const PREFIX = 'whsec_'
export const SECRET_MIN_BYTES = 24
export const SECRET_MAX_BYTES = 64

export const formatSecret = (bytes: Buffer): string => PREFIX + bytes.toString('base64')

/** Bytes of a `whsec_` secret; undefined unless it has 24 to 64 bytes. */
export const parseSecret = (text: string): Buffer | undefined => {
  if (!text.startsWith(PREFIX)) return undefined
  const encoded = text.slice(PREFIX.length)
  const bytes = Buffer.from(encoded, 'base64')
  if (bytes.toString('base64') !== encoded) return undefined
  return bytes.length < SECRET_MIN_BYTES || bytes.length > SECRET_MAX_BYTES ? undefined : bytes
}

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
