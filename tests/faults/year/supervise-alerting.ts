import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRandom } from '../story.ts'

/**
 * Alerting in a process that dies at one failpoint after the other and is started again each time,
 * at a time that goes on.
 */
export type SupervisedAlerting = {
  readonly now: () => number
  /**
   * What its clock shows, or may have shown when a call that comes now was signed: it may have
   * stood still since, through many jumps.
   */
  readonly shown: () => readonly number[]
  readonly jumpTo: (atMs: number) => void
  /** Failpoints at which it was killed. */
  readonly killedAt: readonly string[]
  /** Failpoints that are still to come. */
  readonly left: () => number
  /** The last part of what the process has written. */
  readonly output: () => string
  /** Why it cannot go on: a process that ended by itself. */
  readonly fault: () => string | undefined
  readonly stop: () => Promise<void>
}

type Options = {
  readonly environment: Readonly<Record<string, string>>
  readonly startMs: number
  readonly failpoints: readonly string[]
  /** Each kill comes at a hit from 1 to this. */
  readonly latestHit: number
  readonly seed: number
  /** A process is gone: what it held should be free as soon as time allows. */
  readonly onDeath: () => Promise<void>
}

const program = new URL('./alerting-process.ts', import.meta.url).pathname
const KEPT_OUTPUT = 20_000
/** Real time between the signing of a call and its arrival, at most. */
const LATE_MS = 15_000
const READY = '"msg":"ready"'

export const superviseAlerting = async (options: Options): Promise<SupervisedAlerting> => {
  const random = createRandom(options.seed)
  const waiting = [...options.failpoints]
  const killedAt: string[] = []
  let output = ''
  let fault: string | undefined
  let stopping = false
  let child: ChildProcess
  let gone: Promise<unknown>
  let beforeJumps: { virtual: number; real: number }[] = []
  let base = { virtual: options.startMs, real: performance.now() }
  const now = (): number => base.virtual + (performance.now() - base.real)

  const start = (): Promise<void> => {
    const point = waiting[0]
    const hit = 1 + Math.floor(random() * options.latestHit)
    const { PATH = '', HOME = '' } = process.env
    child = spawn(process.execPath, [program, String(Math.round(now()))], {
      env: {
        PATH,
        HOME,
        ...options.environment,
        ...(point ? { PULSO_FAILPOINTS: `${point}=kill@${hit}`, PULSO_FAILPOINTS_ENABLED: 'true' } : {}),
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    child.stdin!.on('error', () => {})
    gone = once(child, 'close').then(([code, signal]) => onEnd(point, signal ?? code))
    output = ''
    return new Promise((resolve) => {
      for (const stream of [child.stdout!, child.stderr!])
        stream.on('data', (chunk: Buffer) => {
          output = (output + chunk.toString('utf8')).slice(-KEPT_OUTPUT)
          if (output.includes(READY)) resolve()
        })
      void gone.then(() => resolve())
    })
  }

  const onEnd = async (point: string | undefined, how: string | number): Promise<void> => {
    if (stopping) return
    if (how !== 'SIGKILL' || point === undefined || !output.includes(`failpoint ${point}: kill`)) {
      fault = `alerting ended with ${how}`
      return
    }
    killedAt.push(point)
    waiting.shift()
    await options.onDeath()
    if (!stopping) await start()
  }

  await start()
  return {
    now,
    shown: () => [now(), ...beforeJumps.map(({ virtual }) => virtual)],
    jumpTo: (atMs) => {
      const real = performance.now()
      beforeJumps = [{ virtual: now(), real }, ...beforeJumps.filter((before) => real - before.real < LATE_MS)]
      base = { virtual: Math.max(atMs, now()), real }
      child.stdin!.write(`${atMs}\n`)
    },
    killedAt,
    left: () => waiting.length,
    output: () => output,
    fault: () => fault,
    stop: async () => {
      stopping = true
      child.kill('SIGKILL')
      await gone
    },
  }
}
