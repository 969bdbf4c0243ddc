import { readdirSync, readFileSync } from 'node:fs'

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
const kilobytes = (text: string, name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0)

/** The most memory the process has held so far, in MB (10^6). */
export const peakMbOf = (pid: number | undefined): number =>
  Math.round((kilobytes(read(`/proc/${pid}/status`), 'VmHWM') * 1_024) / 1e6)

/** PostgreSQL's processes below this one. */
const postgresProcesses = (): string[] => {
  const parents = new Map<string, { parent: string; name: string }>()
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const match = /^\d+ \((.*)\) \S (\d+)/.exec(read(`/proc/${pid}/stat`))
    if (match) parents.set(pid, { name: match[1]!, parent: match[2]! })
  }
  const isBelow = (pid: string): boolean => {
    const parent = parents.get(pid)?.parent
    return parent !== undefined && (parent === String(process.pid) || isBelow(parent))
  }
  return [...parents].filter(([pid, { name }]) => name === 'postgres' && isBelow(pid)).map(([pid]) => pid)
}

const TICKS_PER_SECOND = 100
/** Processor time used so far, in seconds. */
export const cpuSecondsOf = (pid: number | string | undefined): number => {
  const fields = read(`/proc/${pid}/stat`).split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / TICKS_PER_SECOND
}
/** Of PostgreSQL's processes that live now. */
export const postgresCpuSeconds = (): number => postgresProcesses().reduce((total, pid) => total + cpuSecondsOf(pid), 0)

/**
 * Shared pages are counted once over all processes (Pss); looked at once a second. `stop` answers
 * the largest sum in MB.
 */
export const watchPostgresMemory = (): { readonly stop: () => number } => {
  let peak = 0
  const look = (): void => {
    const sum = postgresProcesses().reduce(
      (total, pid) => total + kilobytes(read(`/proc/${pid}/smaps_rollup`), 'Pss'),
      0,
    )
    peak = Math.max(peak, sum)
  }
  const timer = setInterval(look, 1_000)
  return {
    stop: () => {
      clearInterval(timer)
      look()
      return Math.round((peak * 1_024) / 1e6)
    },
  }
}
