import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { eventually } from '../eventually.ts'

const OWNER = new URL('./embedded-owner.ts', import.meta.url).pathname

export type PrivatePostgres = {
  readonly connectionString: string
  /** SIGKILL of the server and of the process that would start it again. */
  readonly kill: () => Promise<void>
  /** At the same address, with the same data. */
  readonly restart: () => Promise<void>
  /**
   * Copies the data of the stopped server, and starts it again. The answer puts that copy in the
   * place of the data, once, while the server is stopped; `meanwhile` happens before it starts.
   */
  readonly copy: () => Promise<(meanwhile?: () => Promise<void>) => Promise<void>>
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
  const { port } = new URL(connectionString)
  return {
    connectionString,
    kill: async () => {
      const postmaster = Number(readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0])
      await end('SIGKILL')
      process.kill(postmaster, 'SIGKILL')
      await eventually('the server is gone', () => !isServed(join(dataDir, 'postgres')))
    },
    restart: async () => {
      await start(port)
    },
    copy: async () => {
      const [data, copied] = [join(dataDir, 'postgres'), join(dataDir, 'copy')]
      await end('SIGTERM')
      // As `cp -a`, so that the files keep their owner.
      await promisify(execFile)('cp', ['-a', data, copied])
      await start(port)
      return async (meanwhile) => {
        await end('SIGTERM')
        await rm(data, { recursive: true })
        await rename(copied, data)
        await meanwhile?.()
        await start(port)
      }
    },
    stop: async () => {
      await end('SIGTERM')
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
