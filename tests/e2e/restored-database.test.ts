import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, realpath, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { describeWithKafka } from '../support/kafka/kafka-suite.ts'
import { fiveAccounts } from '../support/processes/five-accounts.ts'
import { spawnProcess } from '../support/processes/spawn-process.ts'
import { startWebhookReceiver } from '../support/webhooks/webhook-receiver.ts'

const createFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'pulso-restore-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return join(folder, 'data')
}

/** As `cp -a`, so that the server's files keep their owner. */
const copyFolder = async (from: string, to: string): Promise<void> => {
  await promisify(execFile)('cp', ['-a', from, to])
}

/** The server's files: as root they lie elsewhere, behind a link. */
const filesOf = (dataDir: string): Promise<string> => realpath(join(dataDir, 'elsewhere')).catch(() => dataDir)

/** Everything in one process, on Kafka, with the built-in PostgreSQL in `dataDir`. */
const start = async (dataDir: string, environment: Record<string, string>) => {
  const spawned = spawnProcess('services/all/main.ts', { PORT: '0', PULSO_DATA_DIR: dataDir, ...environment })
  const stop = async (): Promise<void> => {
    spawned.child.kill('SIGTERM')
    await spawned.ended
  }
  onTestFinished(stop)
  const [, address] = await spawned.printed(/"address":"([^"]+)"[^\n]*"msg":"ready"/)
  const key = await readFile(join(dataDir, 'dev-key'), 'utf8')
  const { post, ...accounts } = fiveAccounts({ ingest: address!, scoring: address! }, key.trim())
  return {
    ...accounts,
    stop,
    post: (path: string, body: object) => post(`${address}${path}`, body),
    output: spawned.output,
    metrics: async (): Promise<string> => (await fetch(`${address}/metrics`)).text(),
  }
}

await describeWithKafka('a database that is restored from a copy', (brokers) => {
  it('reads again what it misses, says so, and gives no number a second time', async () => {
    const environment = {
      KAFKA_BROKERS: brokers,
      KAFKA_TOPIC_PREFIX: `restore-${randomBytes(4).toString('hex')}-`,
      PULSO_WEBHOOK_ALLOW: '127.0.0.1/32:*',
      PULSO_WEBHOOK_ALLOW_HTTP: 'true',
    }
    const receiver = await startWebhookReceiver()
    onTestFinished(receiver.stop)
    const dataDir = await createFolder()

    const first = await start(dataDir, environment)
    const endpoint = await first.post('/v1/webhook-endpoints', {
      url: receiver.url,
      eventTypes: ['health.changed', 'alert.firing'],
    })
    expect(endpoint.status).toBe(201)
    const before = await first.send(30)
    await eventually('the first are counted', async () => (await first.counted()).length === 30, 30_000)
    await first.stop()
    const files = await filesOf(dataDir)
    const copy = `${files}-copy`
    onTestFinished(() => rm(copy, { recursive: true, force: true }))
    await copyFolder(files, copy)

    const second = await start(dataDir, environment)
    const seenBefore = receiver.received.length
    const lost = [...(await second.send(95)), ...(await second.send(5, 'Payment Failed'))]
    await eventually('all are counted', async () => (await second.counted()).length === 130, 30_000)
    await eventually('their webhooks came', () => receiver.received.length > seenBefore, 30_000)
    const sequences = await second.sequences()
    await second.stop()
    const bodies = new Map(receiver.received.map(({ headers, body }) => [headers['webhook-id'], body]))
    await rm(files, { recursive: true })
    await rename(copy, files)

    const received = receiver.received.length
    const third = await start(dataDir, environment)
    const all = [...before, ...lost].sort()
    await eventually('all are counted again', async () => (await third.counted()).length >= all.length, 60_000)
    expect(await third.counted()).toEqual(all)
    expect(third.output()).toContain('database is behind the log: records are read again')
    expect(await third.metrics()).toMatch(/pulso_bus_rewinds_total\{[^}]*usage\.events[^}]*\} [1-9]/)
    await third.send(30)
    await eventually('new ones are counted', async () => (await third.counted()).length === all.length + 30, 30_000)
    const after = await third.sequences()
    for (const [i, sequence] of after.entries()) {
      expect(sequence).toBeGreaterThan(sequences[i]!)
      expect(Number.isSafeInteger(sequence)).toBe(true)
    }
    await eventually('webhooks go on', () => receiver.received.length > received, 30_000)
    const afterRestore = receiver.received.slice(received)
    const repeated = afterRestore.filter(({ headers }) => bodies.has(headers['webhook-id']))
    // A change that the log still has is told again as it was; a new change has a new id.
    expect(repeated.filter(({ headers, body }) => bodies.get(headers['webhook-id']) !== body)).toEqual([])
    expect(afterRestore.length).toBeGreaterThan(repeated.length)
    await third.stop()

    const fourth = await start(dataDir, environment)
    await fourth.send(5)
    await eventually('it goes on', async () => (await fourth.counted()).length === all.length + 35, 30_000)
    expect(fourth.output()).not.toContain('database is behind the log')
  })
})
