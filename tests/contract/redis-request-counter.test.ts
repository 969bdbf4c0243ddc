import { createServer, type Socket } from 'node:net'
import { Redis } from 'ioredis'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { createRequestCounter, type RequestCounter } from '#libs/http/limits/request-counter.ts'
import { newId } from '#libs/runtime/ids.ts'
import { createLogger, silentLogger } from '#libs/runtime/logger.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/processes/free-port.ts'
import { describeWithRedis } from '../support/redis.ts'
import { countUp, itIsARequestCounter, REQUESTS, WINDOW_S } from './request-counter.contract.ts'

const opened: RequestCounter[] = []
const open = (redisUrl: string, { windowS = 60, logger = silentLogger } = {}): RequestCounter => {
  const counter = createRequestCounter({ requests: REQUESTS, windowS, redisUrl, logger })
  void counter.start()
  opened.push(counter)
  return counter
}
afterAll(() => Promise.all(opened.map((counter) => counter.stop())))

const createLineLogger = () => {
  const lines: string[] = []
  const logger = createLogger('info', { write: (line) => void lines.push(line) })
  return { logger, lines, linesWith: (text: string) => lines.filter((line) => line.includes(text)) }
}

/** A server that takes connections and says nothing. */
const startMute = async (port: number): Promise<() => Promise<void>> => {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => void sockets.add(socket.on('error', () => {})))
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
}

describe('while Redis is unavailable', () => {
  it('the process counts for itself, and logs that once, without the password', async () => {
    const { logger, lines, linesWith } = createLineLogger()
    const counter = open(`redis://user:s3cret-canary@127.0.0.1:${await freePort()}`, { logger })
    for (const expected of [1, 2, 3]) expect(await countUp(counter, 'a')).toBe(expected)
    await eventually('it is logged', () => lines.length > 0)
    for (let more = 0; more < 20; more++) await countUp(counter, 'a')
    expect(linesWith('Redis is unavailable')).toHaveLength(1)
    expect(lines.join()).not.toContain('s3cret')
  })

  it('a server that takes connections and never answers holds no count up', async () => {
    const port = await freePort()
    onTestFinished(await startMute(port))
    const counter = open(`redis://127.0.0.1:${port}`)
    const startedAt = performance.now()
    for (let more = 1; more <= 50; more++) expect(await countUp(counter, 'a')).toBe(more)
    expect(performance.now() - startedAt).toBeLessThan(2_000)
  })
})

await describeWithRedis('the request counter in Redis', ({ url, freeze }) => {
  const ready = async (options: Parameters<typeof open>[1] = {}): Promise<RequestCounter> => {
    const [counter, probe] = [open(url, options), open(url)]
    const keyId = newId()
    // Both count the same once both have reached the server.
    await eventually('both are connected', async () => {
      const mine = await countUp(counter, keyId)
      return (await countUp(probe, keyId)) > mine
    })
    return counter
  }
  itIsARequestCounter(() => ready({ windowS: WINDOW_S }))

  it('processes share their counters', async () => {
    const [a, b] = [await ready(), await ready()]
    const keyId = newId()
    await countUp(a, keyId)
    await countUp(b, keyId)
    expect(await countUp(a, keyId)).toBe(3)
  })

  it.skipIf(!freeze)('why a server refuses to count is logged, and the process counts for itself', async () => {
    const { logger, linesWith } = createLineLogger()
    const counter = await ready({ logger })
    const keyId = newId()
    const admin = new Redis(url)
    onTestFinished(async () => {
      await admin.config('SET', 'maxmemory', '0')
      admin.disconnect()
    })
    await admin.config('SET', 'maxmemory', '1')
    for (const expected of [1, 2, 3]) expect(await countUp(counter, keyId)).toBe(expected)
    expect(linesWith('maxmemory')).toHaveLength(1)
  })

  it.skipIf(!freeze)(
    'a server that stops answering holds a count up once, not each, and counts again when it goes on',
    async () => {
      const { logger, linesWith } = createLineLogger()
      const [counter, other] = [await ready({ logger }), await ready()]
      const keyId = newId()
      await countUp(other, keyId)
      expect(await countUp(counter, keyId)).toBe(2)
      const thaw = freeze!()
      onTestFinished(thaw)
      const startedAt = performance.now()
      for (let more = 1; more <= 50; more++) expect(await countUp(counter, keyId)).toBe(more)
      expect(performance.now() - startedAt).toBeLessThan(1_000)
      thaw()
      await eventually('it counts with the others', async () => {
        const count = await countUp(counter, keyId)
        return (await countUp(other, keyId)) > count
      })
      expect([linesWith('Redis is unavailable').length, linesWith('available again').length]).toEqual([1, 1])
    },
  )
})
