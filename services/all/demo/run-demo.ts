import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createConfiguredApp, type Program } from '#libs/app/main.ts'
import { systemClock } from '#libs/runtime/clock.ts'
import type { Environment } from '#libs/runtime/config.ts'
import { newId } from '#libs/runtime/ids.ts'
import { createLogger } from '#libs/runtime/logger.ts'
import { services } from '../services.ts'
import { startAlertReceiver } from './alert-receiver.ts'
import { createApiClient } from './api-client.ts'
import { createPortfolio } from './portfolio.ts'
import { sendHistory, streamLive } from './stream-portfolio.ts'

const USUAL_PORT = 8080
const ALERTS = ['alert.firing', 'alert.resolved', 'alert.acknowledged']

/** The usual port; 0 (any free port) if it is in use. */
const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(0))
    probe.listen(USUAL_PORT, '127.0.0.1', () => probe.close(() => resolve(USUAL_PORT)))
  })

const greeting = (address: string, key: string, logFile: string): string => `
Pulso is up at ${address}  (API documentation: ${address}/docs, log: ${logFile})
Development key: ${key}

Try it:
  curl -s -H 'Authorization: Bearer ${key}' '${address}/v1/accounts?sort=score&limit=5'

Sixty simulated accounts are streaming in. Alerts appear below as they reach a webhook receiver that verifies
their signature. Ctrl-C stops everything.
`

/** All services in one embedded process, with simulated customers and an alert receiver. */
export const createDemo = async (environment: Environment, write: (line: string) => void): Promise<Program> => {
  const given = environment.PULSO_DATA_DIR
  const dataDir = given ?? (await mkdtemp(join(tmpdir(), 'pulso-demo-')))
  await mkdir(dataDir, { recursive: true })
  const logFile = join(dataDir, 'pulso.log')
  const logger = createLogger('info', createWriteStream(logFile, { flags: 'a', mode: 0o600 }))
  const receiver = await startAlertReceiver(write)
  const app = createConfiguredApp({
    definitions: services,
    environment: {
      ...environment,
      PULSO_DATA_DIR: dataDir,
      PULSO_WEBHOOK_ALLOW: `127.0.0.1/32:${receiver.port}`,
      PULSO_WEBHOOK_ALLOW_HTTP: 'true',
      PORT: environment.PORT ?? String(await freePort()),
    },
    logger,
  })
  const stopping = new AbortController()
  let streaming = Promise.resolve()

  const stream = async (address: string, key: string): Promise<void> => {
    const { signal } = stopping
    const client = createApiClient({ address, key, clock: systemClock, signal })
    const endpoint = await client.post('/v1/webhook-endpoints', { url: receiver.url, eventTypes: ALERTS })
    receiver.verifyWith(String(endpoint.secret))
    const options = { accounts: createPortfolio(), client, clock: systemClock, signal, write, runId: newId().slice(-8) }
    await sendHistory(options)
    await streamLive(options)
  }

  return {
    logger,
    start: async () => {
      const { address, developmentKey = '' } = await app.start()
      write(greeting(address, developmentKey, logFile))
      streaming = stream(address, developmentKey)
      await streaming.catch((error) => {
        if (stopping.signal.aborted) return
        write(`the demo failed: ${error.message}`)
        throw error
      })
    },
    stop: async () => {
      write('stopping')
      stopping.abort()
      await streaming.catch(() => {})
      await app.stop()
      await receiver.stop()
      if (!given) await rm(dataDir, { recursive: true, force: true })
    },
  }
}
