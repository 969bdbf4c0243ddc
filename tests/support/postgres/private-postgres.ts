import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { eventually } from '../eventually.ts'

const OWNER = new URL('./embedded-owner.ts', import.meta.url).pathname

export type PrivatePostgres = {
  readonly connectionString: string
  /** SIGKILL of the server and of the process that would start it again. */
  readonly kill: () => Promise<void>
  /** At the same address, with the same data. */
  readonly restart: () => Promise<void>
  readonly stop: () => Promise<void>
}

/**
 * Processes of a server work inside its data directory; those that serve outlive the postmaster by
 * a moment.
 */
const isServed = (clusterDir: string): boolean =>
  readdirSync('/proc').some((entry) => {
    try {
      return /^\d+$/.test(entry) && readlinkSync(`/proc/${entry}/cwd`) === clusterDir
    } catch {
      return false
    }
  })

/** A PostgreSQL of a test's own, in a process of its own, which can be killed and started again. */
export const startPrivatePostgres = async (): Promise<PrivatePostgres> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'pulso-private-postgres-'))
  let owner: ChildProcess
  const start = async (port?: string): Promise<string> => {
    const args = [OWNER, dataDir, ...(port ? [port] : [])]
    owner = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const [url] = await once(createInterface({ input: owner.stdout! }), 'line')
    return url as string
  }
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (owner.exitCode !== null || owner.signalCode !== null) return
    owner.kill(signal)
    await once(owner, 'exit')
  }
  const connectionString = await start()
  return {
    connectionString,
    kill: async () => {
      const postmaster = Number(readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0])
      await end('SIGKILL')
      process.kill(postmaster, 'SIGKILL')
      await eventually('the server is gone', () => !isServed(join(dataDir, 'postgres')))
    },
    restart: async () => {
      await start(new URL(connectionString).port)
    },
    stop: async () => {
      await end('SIGTERM')
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
