import { createSecretKey } from 'node:crypto'
import fc from 'fast-check'
import { Webhook as StandardWebhook } from 'standardwebhooks'
import { Webhook as SvixWebhook } from 'svix'
import { expect, test } from 'vitest'
import { formatSecret, signWebhook } from './sign-webhook.ts'

const secretBytes = fc.uint8Array({ minLength: 24, maxLength: 64 }).map((bytes) => Buffer.from(bytes))
const webhookId = fc.uuid()
/** JSON of anything, lone surrogates and NUL included: what is signed is bytes. */
const body = fc.json().map((text) => Buffer.from(text))
const now = () => Date.now()

test('standardwebhooks and svix verify a signature', () => {
  fc.assert(
    fc.property(secretBytes, webhookId, body, (secret, id, bytes) => {
      const headers = signWebhook({ webhookId: id, body: bytes, at: now(), secrets: [createSecretKey(secret)] })
      const text = bytes.toString()
      expect(new StandardWebhook(formatSecret(secret)).verify(text, headers)).toEqual(JSON.parse(text))
      expect(() => new SvixWebhook(formatSecret(secret)).verify(text, headers)).not.toThrow()
    }),
  )
})

test('standardwebhooks makes the same signature', () => {
  fc.assert(
    fc.property(
      secretBytes,
      webhookId,
      body,
      fc.integer({ min: 0, max: 4_102_444_800_000 }),
      (secret, id, bytes, at) => {
        const headers = signWebhook({ webhookId: id, body: bytes, at, secrets: [secret] })
        const expected = new StandardWebhook(formatSecret(secret)).sign(id, new Date(at), bytes.toString())
        expect(headers['webhook-signature']).toBe(expected)
      },
    ),
  )
})

test('while a secret rotates, holders of the old and of the new one both verify', () => {
  const secrets = [Buffer.alloc(24, 1), Buffer.alloc(64, 2)]
  const headers = signWebhook({ webhookId: 'a', body: Buffer.from('{}'), at: now(), secrets })
  for (const secret of secrets) {
    expect(() => new StandardWebhook(formatSecret(secret)).verify('{}', headers)).not.toThrow()
    expect(() => new SvixWebhook(formatSecret(secret)).verify('{}', headers)).not.toThrow()
  }
  expect(() => new StandardWebhook(formatSecret(Buffer.alloc(32, 3))).verify('{}', headers)).toThrow()
})

test.each([
  ['another body', { body: '{"a":2}', id: 'a', shiftS: 0 }],
  ['another id', { body: '{"a":1}', id: 'b', shiftS: 0 }],
  ['another timestamp', { body: '{"a":1}', id: 'a', shiftS: 1 }],
])('%s does not verify', (_, { body: changed, id, shiftS }) => {
  const secret = Buffer.alloc(32, 1)
  const headers = signWebhook({ webhookId: 'a', body: Buffer.from('{"a":1}'), at: now(), secrets: [secret] })
  const sent = {
    ...headers,
    'webhook-id': id,
    'webhook-timestamp': String(Number(headers['webhook-timestamp']) + shiftS),
  }
  expect(() => new StandardWebhook(formatSecret(secret)).verify(changed, sent)).toThrow()
})
