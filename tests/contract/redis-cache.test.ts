import { createServer, type Socket } from 'node:net'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Cache } from '#libs/cache/cache.ts'
import { createRedisCache } from '#libs/cache/redis-cache.ts'
import { systemClock } from '#libs/runtime/clock.ts'
import { newId } from '#libs/runtime/ids.ts'
import { createLogger, silentLogger } from '#libs/runtime/logger.ts'
import { eventually } from '../support/eventually.ts'
import { startTestRedis } from '../support/postgres/redis.ts'
import { freePort } from '../support/processes/free-port.ts'
import { itIsACache } from './cache.contract.ts'

const opened: Cache[] = []
const open = (url: string, logger = silentLogger): Cache => {
  const cache = createRedisCache({ url, clock: systemClock, logger })
  void cache.start()
  opened.push(cache)
  return cache
}
afterAll(() => Promise.all(opened.map((cache) => cache.stop())))

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

describe('while Redis is away', () => {
  it('the process counts for itself, and says once that it does, without the password', async () => {
    const lines: string[] = []
    const logger = createLogger('info', { write: (line) => void lines.push(line) })
    const cache = open(`redis://user:s3cret-canary@127.0.0.1:${await freePort()}`, logger)
    for (const expected of [1, 2, 3]) expect((await cache.count('a', 60_000)).count).toBe(expected)
    await eventually('it is said', () => lines.length > 0)
    for (let more = 0; more < 20; more++) await cache.count('a', 60_000)
    expect(lines.filter((line) => line.includes('Redis is away'))).toHaveLength(1)
    expect(lines.join()).not.toContain('s3cret')
  })

  it('a server that takes connections and never answers holds no count up', async () => {
    const port = await freePort()
    onTestFinished(await startMute(port))
    const cache = open(`redis://127.0.0.1:${port}`)
    const startedAt = performance.now()
    for (let more = 1; more <= 50; more++) expect((await cache.count('a', 60_000)).count).toBe(more)
    expect(performance.now() - startedAt).toBeLessThan(2_000)
  })
})

const redis = await startTestRedis()
afterAll(async () => 'stop' in redis && (await redis.stop()))
const withRedis = 'url' in redis ? describe : describe.skip
const url = 'url' in redis ? redis.url : ''

withRedis(`the cache in Redis${'url' in redis ? '' : ` [skipped: ${redis.unavailable}]`}`, () => {
  const ready = async (): Promise<Cache> => {
    const cache = open(url)
    const probe = open(url)
    const name = newId()
    // Both count the same once both have reached the server.
    await eventually('both are connected', async () => {
      const mine = await cache.count(name, 60_000)
      return (await probe.count(name, 60_000)).count > mine.count
    })
    return cache
  }
  itIsACache(ready)

  it('processes share their counters', async () => {
    const [a, b] = [await ready(), await ready()]
    const name = newId()
    await a.count(name, 60_000)
    await b.count(name, 60_000)
    expect((await a.count(name, 60_000)).count).toBe(3)
  })

  it.skipIf(!('freeze' in redis))(
    'a server that stops answering holds a count up once, not each, and counts again when it goes on',
    async () => {
      const freeze = 'freeze' in redis ? redis.freeze : undefined
      const [cache, other] = [await ready(), await ready()]
      const name = newId()
      await other.count(name, 60_000)
      expect((await cache.count(name, 60_000)).count).toBe(2)
      const thaw = freeze!()
      onTestFinished(thaw)
      const startedAt = performance.now()
      for (let more = 2; more <= 50; more++) expect((await cache.count(name, 60_000)).count).toBe(more)
      expect(performance.now() - startedAt).toBeLessThan(1_000)
      thaw()
      await eventually('it counts with the others', async () => {
        const { count } = await cache.count(name, 60_000)
        return (await other.count(name, 60_000)).count > count
      })
    },
  )
})
