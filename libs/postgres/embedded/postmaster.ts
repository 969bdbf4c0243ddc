import { type ChildProcess, spawn } from 'node:child_process'
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs'
import { join } from 'node:path'
import { sleep, systemClock } from '#libs/runtime/clock.ts'
import type { Account } from './postgres-binaries.ts'

export type PostmasterOptions = {
  readonly binaries: string
  readonly clusterDir: string
  readonly logFile: string
  readonly account: Account | undefined
  readonly port: number
  readonly settings: Readonly<Record<string, string>>
}

export type Postmaster = {
  readonly pid: number
  readonly exited: Promise<void>
  readonly stop: () => Promise<void>
}

/** For glibc's allocator: an idle connection gives back the memory of its last large statement. */
const GIVES_BACK = { MALLOC_MMAP_THRESHOLD_: '262144', MALLOC_TRIM_THRESHOLD_: '262144', MALLOC_TOP_PAD_: '65536' }

const POLL_MS = 25
const START_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 20_000
const LOG_LIMIT_BYTES = 10 * 1024 * 1024

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return !readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z ')
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

const readPidFile = (clusterDir: string): { pid: number; status: string } | undefined => {
  try {
    const lines = readFileSync(join(clusterDir, 'postmaster.pid'), 'utf8').split('\n')
    return { pid: Number(lines[0]), status: (lines[7] ?? '').trim() }
  } catch {
    return undefined
  }
}

/** A postmaster works in its data directory: another process with its id does not. */
const isPostmasterOf = (pid: number, clusterDir: string): boolean => {
  try {
    return isAlive(pid) && readlinkSync(`/proc/${pid}/cwd`) === realpathSync(clusterDir)
  } catch {
    return false
  }
}

const waitUntil = async (condition: () => boolean, timeoutMs: number): Promise<boolean> => {
  for (const untilMs = systemClock.now() + timeoutMs; systemClock.now() < untilMs; ) {
    if (condition()) return true
    await sleep(systemClock, POLL_MS)
  }
  return condition()
}

const signal = (pid: number, name: NodeJS.Signals) => {
  try {
    process.kill(pid, name)
  } catch {}
}

/** Fast shutdown (rolls back, writes a checkpoint), then harder ones if the server does not end. */
const shutDown = async (pid: number, isGone: () => boolean): Promise<void> => {
  for (const [name, timeoutMs] of [
    ['SIGINT', STOP_TIMEOUT_MS],
    ['SIGQUIT', 5_000],
    ['SIGKILL', 5_000],
  ] as const) {
    signal(pid, name)
    if (await waitUntil(isGone, timeoutMs)) return
  }
}

/** Ends the server, or clears the pid file, of a killed owner. Only for the owner of the claim. */
export const clearPredecessor = async (clusterDir: string): Promise<void> => {
  const left = readPidFile(clusterDir)
  if (!left) return
  if (isPostmasterOf(left.pid, clusterDir)) await shutDown(left.pid, () => !isPostmasterOf(left.pid, clusterDir))
  else rmSync(join(clusterDir, 'postmaster.pid'), { force: true })
}

/** Ends the server if this process dies without stopping it: `read` fails when the pipe closes. */
const spawnWatcher = (pid: number, account: Account | undefined): ChildProcess => {
  const watcher = spawn('/bin/sh', ['-c', `read line && exit 0; kill -INT ${pid}`], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    cwd: '/',
    ...account,
  })
  watcher.on('error', () => {})
  watcher.stdin?.on('error', () => {})
  watcher.unref()
  return watcher
}

const openLog = (logFile: string): number => {
  if (existsSync(logFile) && statSync(logFile).size > LOG_LIMIT_BYTES) truncateSync(logFile)
  return openSync(logFile, 'a', 0o600)
}

const lastLines = (logFile: string): string => {
  const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n')
  return lines.slice(-5).join('\n')
}

/** Resolves when the server accepts connections. Its own session keeps Ctrl-C from it. */
export const startPostmaster = async (options: PostmasterOptions): Promise<Postmaster> => {
  const { clusterDir, logFile, account, port } = options
  const settings = Object.entries({ ...options.settings, port: String(port) }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ])
  const log = openLog(logFile)
  const child = spawn(join(options.binaries, 'bin', 'postgres'), ['-D', clusterDir, ...settings], {
    stdio: ['ignore', log, log],
    detached: true,
    cwd: '/',
    env: { TZ: 'UTC', ...GIVES_BACK },
    ...account,
  })
  closeSync(log)
  let gone = false
  const exited = new Promise<void>((resolve) => {
    const done = () => {
      gone = true
      resolve()
    }
    child.once('exit', done)
    child.once('error', done)
  })
  child.unref()
  const { pid } = child
  const isReady = () => {
    const file = readPidFile(clusterDir)
    return file?.pid === pid && file?.status === 'ready'
  }
  await waitUntil(() => gone || isReady(), START_TIMEOUT_MS)
  if (gone || pid === undefined || !isReady()) {
    if (pid !== undefined && !gone) await shutDown(pid, () => gone)
    throw new Error(`PostgreSQL did not start:\n${lastLines(logFile)}`)
  }
  const watcher = spawnWatcher(pid, account)
  void exited.then(() => watcher.stdin?.end('\n'))
  return { pid, exited, stop: () => (gone ? Promise.resolve() : shutDown(pid, () => gone)) }
}
