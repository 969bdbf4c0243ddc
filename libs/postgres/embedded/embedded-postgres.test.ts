import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { silentLogger } from '#libs/runtime/logger.ts'
import { eventually } from '../../../tests/support/eventually.ts'
import { withConnection } from '../pg-database.ts'
import { startEmbeddedPostgres } from './embedded-postgres.ts'
import { isReachableByOthers } from './postgres-binaries.ts'

const OWNER = new URL('../../../tests/support/postgres/embedded-owner.ts', import.meta.url).pathname
const isRoot = process.getuid?.() === 0
const NOBODY = 65534

let dataDir: string
let children: ChildProcess[]

beforeEach(async () => {
  children = []
  dataDir = await mkdtemp(join(tmpdir(), 'pulso-embedded-'))
})

afterEach(async () => {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
  await rm(dataDir, { recursive: true, force: true })
})

const start = (dir = dataDir) => startEmbeddedPostgres({ dataDir: dir, logger: silentLogger })
const run = async (connectionString: string, statement: string): Promise<unknown[]> =>
  withConnection(connectionString, async (client) => (await client.query(statement)).rows)
const write = (url: string) => run(url, 'create table if not exists kept (id int); insert into kept values (1)')
const read = (url: string) => run(url, 'select count(*)::int as n from kept')
const postmasterPid = () => Number(readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0])

const spawnOwner = async (account: { uid?: number; gid?: number } = {}) => {
  const child = spawn(process.execPath, [OWNER, dataDir], { stdio: ['ignore', 'pipe', 'inherit'], ...account })
  children.push(child)
  const [url] = await once(createInterface({ input: child.stdout! }), 'line')
  return { child, url: url as string }
}

test('data is there again after an orderly stop, with the same password and durable commits', async () => {
  const first = await start()
  await write(first.connectionString)
  expect(
    await run(first.connectionString, "select current_setting('fsync') || current_setting('synchronous_commit') as on"),
  ).toEqual([{ on: 'onon' }])
  await first.stop()
  const second = await start()
  expect(await read(second.connectionString)).toEqual([{ n: 1 }])
  expect(new URL(second.connectionString).password).toBe(new URL(first.connectionString).password)
  expect(statSync(join(dataDir, 'password')).mode & 0o777).toBe(0o600)
  await second.stop()
})

test('a wrong password opens nothing', async () => {
  const server = await start()
  const url = new URL(server.connectionString)
  url.password = 'guess'
  await expect(run(url.toString(), 'select 1')).rejects.toThrow('password authentication failed')
  await server.stop()
})

test('a second opener is refused with the process that has the data, and the first goes on', async () => {
  const { child, url } = await spawnOwner()
  await write(url)
  await expect(start()).rejects.toThrow(`in use by another Pulso (process ${child.pid})`)
  expect(await read(url)).toEqual([{ n: 1 }])
})

test('a server killed under a live process is started again at the same address, with its data', async () => {
  const server = await start()
  await write(server.connectionString)
  process.kill(postmasterPid(), 'SIGKILL')
  const answers = () => read(server.connectionString).then(Boolean, () => false)
  await eventually('the server answers again', answers)
  expect(await read(server.connectionString)).toEqual([{ n: 1 }])
  await server.stop()
})

test('after the owner was killed its server ends by itself', async () => {
  const { child, url } = await spawnOwner()
  const server = postmasterPid()
  child.kill('SIGKILL')
  await eventually('the server has ended', () => !existsSync(`/proc/${server}`))
  await expect(run(url, 'select 1')).rejects.toThrow()
})

test('after the owner was killed the next start has the data, whether its server has ended yet or not', async () => {
  const { child, url } = await spawnOwner()
  await write(url)
  child.kill('SIGKILL')
  await once(child, 'exit')
  const next = await start()
  expect(await read(next.connectionString)).toEqual([{ n: 1 }])
  await next.stop()
})

test('after owner and server were killed together the next start has the data', async () => {
  const { child, url } = await spawnOwner()
  await write(url)
  const server = postmasterPid()
  child.kill('SIGKILL')
  process.kill(server, 'SIGKILL')
  await once(child, 'exit')
  const next = await start()
  expect(await read(next.connectionString)).toEqual([{ n: 1 }])
  await next.stop()
})

test('a folder that other accounts cannot reach works too, and deleting it deletes the data', async () => {
  const inner = join(dataDir, 'closed', 'data')
  await mkdir(join(dataDir, 'closed'), { mode: 0o700 })
  const server = await start(inner)
  await write(server.connectionString)
  await server.stop()
  const again = await start(inner)
  expect(await read(again.connectionString)).toEqual([{ n: 1 }])
  await again.stop()
  const elsewhere = isRoot ? readlinkSync(join(inner, 'elsewhere')) : undefined
  await rm(inner, { recursive: true })
  const anew = await start(inner)
  await expect(read(anew.connectionString)).rejects.toThrow('does not exist')
  await anew.stop()
  if (elsewhere) {
    await rm(elsewhere, { recursive: true })
    await rm(readlinkSync(join(inner, 'elsewhere')), { recursive: true })
  }
})

test.runIf(isRoot && isReachableByOthers(dirname(OWNER)))('an ordinary user can run it', async () => {
  chownSync(dataDir, NOBODY, NOBODY)
  const { url } = await spawnOwner({ uid: NOBODY, gid: NOBODY })
  await write(url)
  expect(await read(url)).toEqual([{ n: 1 }])
  expect(statSync(join(dataDir, 'password')).uid).toBe(NOBODY)
})
