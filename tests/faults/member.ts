import { type SpawnedProcess, spawnProcess } from '../support/processes/spawn-process.ts'

export const pause = (delayMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, delayMs))
/**
 * How long a process may live that should die at a failpoint, and at which hit: it must get
 * something done in between.
 */
const REACH_MS = 60_000
const DEADLY_HIT = 3
const SELDOM = /\.(timers|due|override)\./
const READY = /"msg":"ready"/
const STOPPED = /failpoint [a-z_.]+: stop at/
const SCORED = /"msg":"batch scored"/

export type Member = {
  readonly kill: () => Promise<void>
  /** SIGTERM. */
  readonly stop: () => Promise<void>
  readonly start: (failpoint?: string) => Promise<void>
  readonly current: () => SpawnedProcess
}

/** One program at one address, over and over. */
export const createMember = async (file: string, environment: Readonly<Record<string, string>>): Promise<Member> => {
  let current: SpawnedProcess
  const start = async (failpoint?: string): Promise<void> => {
    const armed = failpoint && {
      PULSO_FAILPOINTS: `${failpoint}=kill@${SELDOM.test(failpoint) ? 1 : DEADLY_HIT}`,
      PULSO_FAILPOINTS_ENABLED: 'true',
    }
    current = spawnProcess(file, { ...environment, ...armed })
    // It may die before it is ready.
    if (failpoint) await Promise.race([current.printed(READY).catch(() => {}), current.ended])
    else await current.printed(READY)
  }
  await start()
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    current.child.kill(signal)
    await current.ended
  }
  return {
    start,
    current: () => current,
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
  }
}

export const killOnceScored = async (member: Member, delayMs: number): Promise<void> => {
  await member.current().printed(SCORED)
  await pause(delayMs)
  await member.kill()
  await member.start()
}

export const dieAtEach = async (member: Member, failpoints: readonly string[]): Promise<readonly string[]> => {
  const missed: string[] = []
  if (failpoints.length > 0) await member.kill()
  for (const failpoint of failpoints) {
    await member.start(failpoint)
    const { ended } = member.current()
    if ((await Promise.race([ended, pause(REACH_MS)])) === 'SIGKILL') continue
    missed.push(failpoint)
    await member.kill()
  }
  if (failpoints.length > 0) await member.start()
  return missed
}

/** Processes that stop for ever amid their work, holding what they hold. */
export const createVanished = () => {
  const processes: SpawnedProcess[] = []
  return {
    /** Resolves when the process has stopped there, with false when it does not get there. */
    stopAt: async (
      file: string,
      environment: Readonly<Record<string, string>>,
      failpoint: string,
    ): Promise<boolean> => {
      const armed = { PULSO_FAILPOINTS: failpoint, PULSO_FAILPOINTS_ENABLED: 'true' }
      const vanishing = spawnProcess(file, { ...environment, ...armed, PORT: '0' })
      processes.push(vanishing)
      const stopped = vanishing.printed(STOPPED).then(
        () => true,
        () => false,
      )
      return Promise.race([stopped, pause(REACH_MS).then(() => false)])
    },
    kill: async (): Promise<void> => {
      for (const { child, ended } of processes) {
        child.kill('SIGKILL')
        await ended
      }
    },
  }
}
