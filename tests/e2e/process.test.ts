import { existsSync, statSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type SpawnedProcess, spawnProcess } from '../support/processes/spawn-process.ts'

let dataDir: string
let running: SpawnedProcess[]

const start = (file: string, environment: Record<string, string> = {}): SpawnedProcess => {
  const spawned = spawnProcess(file, { PULSO_DATA_DIR: dataDir, PORT: '0', ...environment })
  running.push(spawned)
  return spawned
}
const addressOf = async (spawned: SpawnedProcess): Promise<string> =>
  (await spawned.printed(/"address":"([^"]+)"[^\n]*"msg":"ready"/))[1]!

beforeEach(async () => {
  running = []
  dataDir = await mkdtemp(join(tmpdir(), 'pulso-process-'))
})
afterEach(async () => {
  for (const { child } of running) child.kill('SIGTERM')
  await Promise.all(running.map(({ ended }) => ended))
  await rm(dataDir, { recursive: true, force: true })
})

test('a wrong configuration ends with 78 and names every bad value at once', async () => {
  const main = start('services/all/main.ts', {
    PORT: 'eighty',
    PULSO_TIME_ZONE: 'Mars',
    PULSO_WEBHOOK_SCHEDULE: 'soon',
  })
  expect(await main.ended).toBe(78)
  for (const name of ['PORT', 'PULSO_TIME_ZONE', 'PULSO_WEBHOOK_SCHEDULE']) expect(main.output()).toContain(`${name}: `)
})

test.each(['ingest', 'scoring', 'alerting'])(
  '%s alone refuses to start without its servers and says why',
  async (name) => {
    const main = start(`services/${name}/main.ts`)
    expect(await main.ended).toBe(78)
    expect(main.output()).toContain('KAFKA_BROKERS: is needed by a service that runs alone')
    expect(main.output()).toContain('DATABASE_URL: is needed by a service that runs alone')
  },
)

test('everything in one process needs nothing, keeps its data and key between starts, and stops cleanly on SIGTERM', async () => {
  const first = start('services/all/main.ts')
  const address = await addressOf(first)
  const ready = await fetch(`${address}/readyz`)
  expect([ready.status, await ready.json()]).toEqual([
    200,
    {
      status: 'ready',
      checks: {
        bus: 'up',
        keys: 'up',
        database: 'up',
        consumers: 'up',
        'scoring.consumer': 'up',
        'scoring.models': 'up',
        'scoring.states': 'up',
        'scoring.relay': 'up',
        'alerting.consumers': 'up',
        'alerting.outbox': 'up',
      },
    },
  ])
  const key = (await readFile(join(dataDir, 'dev-key'), 'utf8')).trim()
  expect(statSync(join(dataDir, 'dev-key')).mode & 0o777).toBe(0o600)
  expect(statSync(join(dataDir, 'encryption-key')).mode & 0o777).toBe(0o600)
  const created = await fetch(`${address}/v1/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'backend', scopes: ['read'] }),
  })
  expect(created.status).toBe(201)
  first.child.kill('SIGTERM')
  expect(await first.ended).toBe(0)
  expect(first.output()).not.toContain(key)

  const second = start('services/all/main.ts')
  const again = await fetch(`${await addressOf(second)}/v1/keys`, { headers: { authorization: `Bearer ${key}` } })
  expect(again.status).toBe(200)
  expect(JSON.stringify(await again.json())).toContain('backend')
})

test('a Redis that is unavailable keeps nothing from working, and the limit of a key holds all the same', async () => {
  const main = start('services/all/main.ts', { REDIS_URL: 'redis://127.0.0.1:1', PULSO_RATE_LIMIT_REQUESTS: '3' })
  const address = await addressOf(main)
  expect((await fetch(`${address}/readyz`)).status).toBe(200)
  const headers = { authorization: `Bearer ${(await readFile(join(dataDir, 'dev-key'), 'utf8')).trim()}` }
  const statuses: number[] = []
  for (let request = 0; request < 4; request++) statuses.push((await fetch(`${address}/v1/alerts`, { headers })).status)
  expect(statuses).toEqual([200, 200, 200, 429])
})

test('a start without its PostgreSQL waits for it, and can be stopped while it does', async () => {
  const main = start('services/all/main.ts', {
    DATABASE_URL: 'postgres://pulso@127.0.0.1:1/pulso',
    PULSO_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64'),
  })
  await main.printed(/(?:not there yet, trying again[\s\S]*){3}/)
  main.child.kill('SIGTERM')
  expect(await main.ended).toBe(0)
})

test('Ctrl-C that arrives twice at once, as it does under npm, is one stop', async () => {
  const main = start('services/all/main.ts')
  await addressOf(main)
  main.child.kill('SIGINT')
  main.child.kill('SIGINT')
  expect(await main.ended).toBe(0)
})

test('a stop that overtakes the start ends with 0 and leaves no server behind', async () => {
  const main = start('services/all/main.ts')
  await main.printed(/built-in PostgreSQL is up/)
  main.child.kill('SIGTERM')
  expect(await main.ended).toBe(0)
  expect(existsSync(join(dataDir, 'postgres', 'postmaster.pid'))).toBe(false)
})

test('a killed process leaves nothing that keeps the next one from starting', async () => {
  const first = start('services/all/main.ts')
  await addressOf(first)
  first.child.kill('SIGKILL')
  expect(await first.ended).toBe('SIGKILL')
  const second = start('services/all/main.ts')
  expect((await fetch(`${await addressOf(second)}/readyz`)).status).toBe(200)
})

test('a second process on the same data is refused and told who has it', async () => {
  const first = start('services/all/main.ts')
  await addressOf(first)
  const second = start('services/all/main.ts')
  expect(await second.ended).toBe(1)
  expect(second.output()).toContain(`in use by another Pulso (process ${first.child.pid})`)
})
