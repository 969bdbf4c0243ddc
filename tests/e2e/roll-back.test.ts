import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type Api, bodyOf, createApi } from '../former-data/api.ts'
import { countEvents } from '../former-data/operate.ts'
import { unpackFolder } from '../former-data/pack-folder.ts'
import type { SampleEvent } from '../former-data/portfolio.ts'
import { runPulso } from '../former-data/running-pulso.ts'
import { eventually } from '../support/eventually.ts'

const ROOT = new URL('../..', import.meta.url).pathname

/** The code of the version before, with the packages that are installed here. */
const unpackFormerCode = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'pulso-code-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await mkdir(folder, { recursive: true })
  await unpackFolder(join(ROOT, 'tests/former-data/former-code.tar.zst'), folder)
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  return folder
}

const withPulso = async (checkout: string, dataDir: string, work: (api: Api) => Promise<void>): Promise<void> => {
  const { address, stop, kill } = await runPulso(checkout, 'services/all/main.ts', { PULSO_DATA_DIR: dataDir })
  try {
    const key = (await readFile(join(dataDir, 'dev-key'), 'utf8')).trim()
    await work(createApi({ ingest: address, scoring: address, alerting: address }, key))
    await stop()
  } finally {
    kill()
  }
}

const eventsOf = (accountId: string, name: string, type: string): readonly SampleEvent[] =>
  [1, 2, 3].map((i) => ({
    id: `${name}-${i}`,
    source: 'product',
    type,
    accountId,
    userId: `u${i}`,
    occurredAt: new Date(Date.now() - i * 60_000).toISOString(),
    mode: 'live',
    properties: { subscriptionId: 'main' },
  }))

const alertsOf = async (api: Api, accountId: string): Promise<number> =>
  (await bodyOf<{ items: unknown[] }>(api.get(`/v1/alerts?accountId=${accountId}`))).items.length

test('the version before starts on what this version has written, scores and alerts, and back again', async () => {
  const former = await unpackFormerCode()
  const dataDir = await mkdtemp(join(tmpdir(), 'pulso-data-'))
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
  await withPulso(ROOT, dataDir, (api) => countEvents(api, eventsOf('acme', 'now', 'Feature Used')))
  await withPulso(former, dataDir, async (api) => {
    await countEvents(api, eventsOf('acme', 'former', 'Feature Used'))
    await countEvents(api, eventsOf('globex', 'lost', 'Subscription Cancel Scheduled'))
    await eventually('an alert is open', async () => (await alertsOf(api, 'globex')) > 0, 30_000)
  })
  await withPulso(ROOT, dataDir, async (api) => {
    await countEvents(api, eventsOf('acme', 'again', 'Feature Used'))
    const counted = await bodyOf<{ items: { id: string }[] }>(api.get('/v1/accounts/acme/events?limit=500'))
    const ids = counted.items.map(({ id }) => id)
    expect(ids.toSorted()).toEqual(['again', 'former', 'now'].flatMap((name) => [1, 2, 3].map((i) => `${name}-${i}`)))
    expect(await bodyOf<{ items: unknown[] }>(api.get('/v1/dead-letters'))).toMatchObject({ items: [] })
  })
})
