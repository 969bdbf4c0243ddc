import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { afterAll, describe, it } from 'vitest'
import { eventually } from './eventually.ts'
import { accepts, freePort } from './processes/free-port.ts'

export type TestRedis = {
  readonly url: string
  readonly stop: () => Promise<void>
  /** Stops a Redis of this run from answering until the returned function is called. */
  readonly freeze?: () => () => void
}
type NoRedis = { readonly unavailable: string }

const onPath = (...names: readonly string[]): string | undefined =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .find((file) => existsSync(file))

const startContainer = async (): Promise<TestRedis> => {
  const { GenericContainer } = await import('testcontainers')
  const container = await new GenericContainer('redis:8.2').withExposedPorts(6379).start()
  return {
    url: `redis://${container.getHost()}:${container.getMappedPort(6379)}`,
    stop: async () => void (await container.stop()),
  }
}

const startServer = async (program: string): Promise<TestRedis> => {
  const port = await freePort()
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const child = spawn(program, options, { stdio: 'ignore' })
  await eventually('Redis takes connections', () => accepts(port))
  return {
    url: `redis://127.0.0.1:${port}`,
    freeze: () => {
      child.kill('SIGSTOP')
      return () => void child.kill('SIGCONT')
    },
    stop: async () => {
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    },
  }
}

/** REDIS_URL, else a container where Docker is, else redis-server or valkey-server. */
const startTestRedis = async (): Promise<TestRedis | NoRedis> => {
  if (process.env.REDIS_URL) return { url: process.env.REDIS_URL, stop: async () => {} }
  if (process.env.DOCKER_HOST || existsSync('/var/run/docker.sock')) return startContainer()
  const program = onPath('redis-server', 'valkey-server')
  return program ? startServer(program) : { unavailable: 'no REDIS_URL, no Docker engine, and no redis-server' }
}

/** A suite that needs Redis: skipped without one, failing with REQUIRE_BACKENDS=1. Await it. */
export const describeWithRedis = async (name: string, suite: (redis: TestRedis) => void): Promise<void> => {
  const redis = await startTestRedis()
  if ('url' in redis)
    return void describe(name, () => {
      afterAll(redis.stop)
      suite(redis)
    })
  const title = `${name} [skipped: ${redis.unavailable}]`
  if (process.env.REQUIRE_BACKENDS !== '1')
    return void describe.skip(title, () => void it('needs Redis', () => undefined))
  it(title, () => {
    throw new Error(`REQUIRE_BACKENDS=1 and no Redis: ${redis.unavailable}`)
  })
}
