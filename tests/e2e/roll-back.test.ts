import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type Api, bodyOf } from '../former-data/api.ts'
import {
  alertIdsOf,
  eventsOf,
  idsOf,
  ROOT,
  withPulso as runProgram,
  unpackFormerCode,
} from '../former-data/former-code.ts'
import { countEvents, countedIds, sendEvents } from '../former-data/operate.ts'
import { eventually } from '../support/eventually.ts'
import { startWebhookReceiver } from '../support/webhooks/webhook-receiver.ts'

const withPulso = (checkout: string, dataDir: string, work: (api: Api) => Promise<void>): Promise<void> => {
  const key = async (): Promise<string> => (await readFile(join(dataDir, 'dev-key'), 'utf8')).trim()
  return runProgram({ checkout, environment: { PULSO_DATA_DIR: dataDir }, key }, work)
}

type Delivery = { readonly id: string; readonly status: string; readonly reason: string | null }
const deliveriesOf = async (api: Api, endpointId: string): Promise<readonly Delivery[]> =>
  (await bodyOf<{ items: Delivery[] }>(api.get(`/v1/webhook-endpoints/${endpointId}/deliveries`))).items

test('the version before starts on what this version has written, scores and alerts, and back again', async () => {
  const former = await unpackFormerCode()
  const dataDir = await mkdtemp(join(tmpdir(), 'pulso-data-'))
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
  const hook = await startWebhookReceiver()
  onTestFinished(hook.stop)
  let endpointId = ''
  await withPulso(ROOT, dataDir, async (api) => {
    await countEvents(api, eventsOf('acme', 'now', 'Feature Used'))
    const endpoint = { url: hook.url, eventTypes: ['alert.firing'] }
    endpointId = (await bodyOf<{ id: string }>(api.send('POST', '/v1/webhook-endpoints', endpoint))).id
  })
  await withPulso(former, dataDir, async (api) => {
    await countEvents(api, eventsOf('acme', 'former', 'Feature Used'))
    await countEvents(api, eventsOf('globex', 'lost', 'Subscription Cancel Scheduled'))
    await eventually('an alert is open', async () => (await alertIdsOf(api, 'globex')).length > 0, 30_000)
    // It cannot open the URL, and calls no other: the delivery waits.
    await eventually('a try failed', async () => (await deliveriesOf(api, endpointId))[0]?.reason === 'url_not_allowed')
    expect(hook.received).toEqual([])
  })
  await withPulso(ROOT, dataDir, async (api) => {
    await countEvents(api, eventsOf('acme', 'again', 'Feature Used'))
    expect((await countedIds(api, 'acme')).toSorted()).toEqual(idsOf('again', 'former', 'now'))
    expect(await bodyOf<{ items: unknown[] }>(api.get('/v1/dead-letters'))).toMatchObject({ items: [] })
    const [waiting] = await deliveriesOf(api, endpointId)
    await bodyOf(api.send('POST', `/v1/deliveries/${waiting!.id}/replay`))
    await eventually('the delivery has come', () => hook.received.some(({ id }) => id === waiting!.id))
  })
}, 120_000)

test('what the version before erases stays erased under this version', async () => {
  const former = await unpackFormerCode()
  const dataDir = await mkdtemp(join(tmpdir(), 'pulso-data-'))
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
  const past = [...eventsOf('acme', 'past', 'Feature Used'), ...eventsOf('globex', 'past', 'Feature Used')]
  await withPulso(ROOT, dataDir, (api) => countEvents(api, past))
  await withPulso(former, dataDir, async (api) => {
    expect((await api.send('DELETE', '/v1/accounts/acme')).status).toBe(204)
    expect((await api.send('DELETE', '/v1/accounts/globex/users/u1')).status).toBe(204)
  })
  await withPulso(ROOT, dataDir, async (api) => {
    await sendEvents(api, past)
    const later = ['acme', 'globex'].flatMap((accountId) => eventsOf(accountId, 'later', 'Feature Used').slice(1))
    await countEvents(
      api,
      later.map((event) => ({ ...event, occurredAt: new Date().toISOString() })),
    )
    expect((await countedIds(api, 'acme')).toSorted()).toEqual(['later-2', 'later-3'])
    expect((await countedIds(api, 'globex')).toSorted()).toEqual(['later-2', 'later-3', 'past-2', 'past-3'])
  })
}, 120_000)
