import { expect, onTestFinished, test } from 'vitest'
import { newApiKey } from '#libs/access/keys/api-key.ts'
import { ensureBootstrapKey } from '#libs/access/keys/bootstrap-key.ts'
import { createHttpServer } from '#libs/http/server.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { createTestPlatform } from '../../tests/support/processes/platform.ts'
import { scoringConfigSchema } from './config.ts'
import { createScoring } from './service.ts'

const key = newApiKey().key

test('an answer kept under an encryption key is given again after that key was replaced', async () => {
  const { platform, prepare, stop } = await createTestPlatform()
  onTestFinished(stop)
  const create = (encryptionKey: Buffer, formerEncryptionKeys: readonly Buffer[]) =>
    createScoring(
      {
        ...platform,
        metrics: createMetrics(),
        settings: { ...platform.settings, encryptionKey, formerEncryptionKeys },
      },
      scoringConfigSchema.parse({}),
    )
  const [before, after] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
  const first = create(before, [])
  await prepare(first)
  await ensureBootstrapKey(platform.database, key)
  const createKeyOnce = async (service: ReturnType<typeof create>) => {
    const app = await createHttpServer({ ...platform, metrics: createMetrics(), title: 'T', version: '0', checks: {} })
    onTestFinished(() => app.close())
    await app.register(service.routes)
    const answer = await app.inject({
      method: 'POST',
      url: '/v1/keys',
      headers: { authorization: `Bearer ${key}`, 'idempotency-key': 'once' },
      payload: { name: 'made', scopes: ['read'] },
    })
    return { status: answer.statusCode, body: answer.body }
  }
  const made = await createKeyOnce(first)
  expect(made.status).toBe(201)
  expect(await createKeyOnce(create(after, [before]))).toEqual(made)
})
