import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { accepts } from '../support/processes/free-port.ts'
import { spawnCommand } from '../support/processes/spawn-process.ts'

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`)

test.each(['start', 'demo'])(
  'SIGTERM to npm run %s ends node and its PostgreSQL, and npm ends with 0',
  async (script) => {
    const dataDir = await mkdtemp(join(tmpdir(), 'pulso-npm-'))
    onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
    const npm = spawnCommand(['npm', 'run', script], { PULSO_DATA_DIR: dataDir, PORT: '0' })
    onTestFinished(() => void npm.child.kill('SIGKILL'))
    const [, port] = await npm.printed(/http:\/\/127\.0\.0\.1:(\d+)/)
    const [postmaster] = (await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')
    expect(isAlive(Number(postmaster))).toBe(true)

    npm.child.kill('SIGTERM')
    expect(await npm.ended).toBe(0)
    await eventually('PostgreSQL has ended', () => !isAlive(Number(postmaster)))
    expect(await accepts(Number(port))).toBe(false)
    expect(existsSync(join(dataDir, 'postgres', 'postmaster.pid'))).toBe(false)
  },
)
