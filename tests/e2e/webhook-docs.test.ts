import { spawnSync } from 'node:child_process'
import { createHmac, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { expect, test } from 'vitest'
import { formatSecret, signWebhook } from '../../services/alerting/core/delivery/sign-webhook.ts'
import { WEBHOOK_TYPES } from '../../services/alerting/notifications/notification.ts'

const docs = readFileSync(new URL('../../docs/webhooks.md', import.meta.url), 'utf8')
const blocksOf = (language: string): string[] =>
  [...docs.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map((match) => match[1]!)

type Case = { name: string; secret: string; headers: Record<string, string>; body: string; valid: boolean }

const secret = randomBytes(32)
const body = '{"type":"webhook.test","data":{"name":"größer 日本 \\u0000"}}'
const at = Date.now()
const sign = (secrets: readonly Buffer[], signedAt = at) =>
  signWebhook({ webhookId: 'msg-1', body: Buffer.from(body), at: signedAt, secrets })
const caseOf = (name: string, valid: boolean, changes: Partial<Case> = {}): Case => ({
  name,
  secret: formatSecret(secret),
  headers: sign([secret]),
  body,
  valid,
  ...changes,
})
const CASES: readonly Case[] = [
  caseOf('as sent', true),
  caseOf('while the secret rotates', true, { headers: sign([randomBytes(24), secret]) }),
  caseOf('with another secret', false, { secret: formatSecret(randomBytes(32)) }),
  caseOf('with another body', false, { body: `${body} ` }),
  caseOf('under another id', false, { headers: { ...sign([secret]), 'webhook-id': 'msg-2' } }),
  caseOf('ten minutes old', false, { headers: sign([secret], at - 600_000) }),
  caseOf('from the future', false, { headers: sign([secret], at + 600_000) }),
  caseOf('without headers', false, { headers: {} }),
  caseOf('with a signature of another version', false, {
    headers: { ...sign([secret]), 'webhook-signature': sign([secret])['webhook-signature']!.replace('v1,', 'v2,') },
  }),
  caseOf('with a timestamp that is no number', false, {
    headers: {
      'webhook-id': 'a',
      'webhook-timestamp': 'now',
      'webhook-signature': `v1,${createHmac('sha256', secret).update(`a.now.${body}`).digest('base64')}`,
    },
  }),
]
const EXPECTED = CASES.map(({ name, valid }) => [name, valid])

test('the TypeScript snippet verifies what Pulso signs, and nothing else', async () => {
  const [snippet] = blocksOf('ts')
  const module = `data:text/javascript,${encodeURIComponent(stripTypeScriptTypes(snippet!))}`
  const { verifyWebhook } = await import(/* @vite-ignore */ module)
  expect(CASES.map((one) => [one.name, verifyWebhook(one.secret, one.headers, Buffer.from(one.body))])).toEqual(
    EXPECTED,
  )
})

const python = spawnSync('python3', ['--version'])
const hasPython = python.status === 0
const title = 'the Python snippet verifies what Pulso signs, and nothing else'

test(hasPython ? title : `${title} [not run: no python3]`, () => {
  // Where it must be possible, its absence is a failure; elsewhere the name of the test says it.
  if (!hasPython) return expect(process.env.REQUIRE_BACKENDS).not.toBe('1')
  const [snippet] = blocksOf('python')
  const driver = `
import json, sys
cases = json.load(sys.stdin)
print(json.dumps([[c["name"], verify_webhook(c["secret"], c["headers"], c["body"].encode())] for c in cases]))`
  const run = spawnSync('python3', ['-c', `${snippet}\n${driver}`], { input: JSON.stringify(CASES), encoding: 'utf8' })
  expect(run.stderr).toBe('')
  expect(JSON.parse(run.stdout)).toEqual(EXPECTED)
})

test('the examples are JSON, and every type is documented', () => {
  for (const example of blocksOf('json')) expect(WEBHOOK_TYPES).toContain(JSON.parse(example).type)
  expect(blocksOf('json').length).toBeGreaterThan(1)
  const table = docs.slice(docs.indexOf('| type | when |'), docs.indexOf('```json'))
  const told = [...table.matchAll(/`([a-z_.]+)`/g)].map((match) => match[1])
  expect(told.sort()).toEqual([...WEBHOOK_TYPES].sort())
})
