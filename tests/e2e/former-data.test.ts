import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Webhook } from 'standardwebhooks'
import { expect, onTestFinished, test } from 'vitest'
import { createApp } from '#libs/app/app.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { services } from '../../services/all/services.ts'
import { type Api, bodyOf, createApi } from '../former-data/api.ts'
import type { EmbeddedSample } from '../former-data/embedded-sample.ts'
import { readEmbeddedSample, unpackDataFolder } from '../former-data/open-sample.ts'
import { countEvents, countedIds, sendEvents } from '../former-data/operate.ts'
import { createPortfolio, createSequel } from '../former-data/portfolio.ts'
import { askAgain, withoutNow, withoutSequence, withShownUrls } from '../former-data/questions.ts'
import { SAMPLE_SETTINGS } from '../former-data/running-pulso.ts'
import { eventually } from '../support/eventually.ts'
import { createWarpedClock } from '../support/processes/warped-clock.ts'
import { type Received, startWebhookReceiver } from '../support/webhooks/webhook-receiver.ts'

type Opened = { readonly api: Api; readonly sample: EmbeddedSample }

/**
 * Everything in one process on the data folder of the version before, by a clock that goes on where
 * the sample was taken.
 */
const openFormerData = async (): Promise<Opened> => {
  const sample = await readEmbeddedSample()
  const dataDir = await mkdtemp(join(tmpdir(), 'pulso-former-'))
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
  await unpackDataFolder(dataDir)
  const app = createApp({
    definitions: services,
    environment: { ...SAMPLE_SETTINGS, PULSO_DATA_DIR: dataDir, PORT: '0' },
    clock: createWarpedClock(sample.recordedAt),
    logger: silentLogger,
  })
  onTestFinished(app.stop)
  const { address } = await app.start()
  return { sample, api: createApi({ ingest: address, scoring: address, alerting: address }, sample.key) }
}

/** How often each event of an account is counted. */
const countsOf = async (api: Api, accountId: string): Promise<Map<string, number>> => {
  const counts = new Map<string, number>()
  for (const id of await countedIds(api, accountId)) counts.set(id, (counts.get(id) ?? 0) + 1)
  return counts
}

test('a data folder of the version before answers every question as that version did', async () => {
  const { api, sample } = await openFormerData()
  const asked = withoutNow(await askAgain(api, sample.answers))
  // Newer answers may bear more fields, never another value.
  for (const [path, answer] of Object.entries(withShownUrls(withoutNow(sample.answers))))
    expect(asked[path], path).toMatchObject(answer)
  for (const { path, body, key, answer } of sample.operated.replays)
    expect(await api.send('POST', path, body, { idempotencyKey: key }), path).toEqual(answer)
  const second = api.as(sample.operated.secondKey)
  expect(await bodyOf(second.get('/v1/accounts'))).toMatchObject({ items: [{ accountId: 'globex' }] })
})

test('new events count once on top of what the version before counted, to the scores that version came to', async () => {
  const { api, sample } = await openFormerData()
  const sequel = createSequel(sample.recordedAt)
  const accountIds = [...new Set(sequel.map(({ accountId }) => accountId))]
  const before = new Map<string, Map<string, number>>()
  for (const accountId of accountIds) before.set(accountId, await countsOf(api, accountId))

  // An account's events are counted in their order: when the new ones are, the old ones have been
  // read again.
  await sendEvents(api, createPortfolio(sample.startedAt))
  await countEvents(api, sequel)
  const again = await bodyOf<{ duplicate: number }>(api.send('POST', '/v1/events', { events: sequel }))
  expect(again.duplicate).toBe(sequel.length)

  for (const accountId of accountIds) {
    const counts = await countsOf(api, accountId)
    const added = sequel.filter((event) => event.accountId === accountId)
    expect(counts.size, accountId).toBe(before.get(accountId)!.size + added.length)
    expect(
      [...counts].filter(([, count]) => count !== 1),
      accountId,
    ).toEqual([])
  }
  const scores = Object.entries(sample.answersAfterSequel).filter(([path]) => path.endsWith('/health'))
  expect(scores.length).toBeGreaterThan(10)
  const wanted = Object.fromEntries(scores)
  expect(withoutSequence(withoutNow(await askAgain(api, wanted)))).toEqual(withoutSequence(withoutNow(wanted)))
})

test('an endpoint of the version before gets what happens now, signed with its secret', async () => {
  const { api, sample } = await openFormerData()
  const { id, secret } = sample.operated.endpoint
  const receiver = await startWebhookReceiver()
  onTestFinished(receiver.stop)
  await bodyOf(api.send('PATCH', `/v1/webhook-endpoints/${id}`, { url: receiver.url }))
  await countEvents(api, createSequel(sample.recordedAt))
  const isResolved = ({ body }: Received): boolean => {
    const { type, data } = JSON.parse(body)
    return type === 'alert.resolved' && data.accountId === 'initech' && data.alert.ruleId === 'cancel_scheduled'
  }
  await eventually('the alert of the version before is resolved', () => receiver.received.some(isResolved), 30_000)
  // The library that verifies wants the present time: it signs the same instead.
  for (const { id: webhookId, headers, body } of receiver.received) {
    const signedAt = new Date(Number(headers['webhook-timestamp']) * 1_000)
    expect(headers['webhook-signature']).toBe(new Webhook(secret).sign(webhookId, signedAt, body))
  }
})
