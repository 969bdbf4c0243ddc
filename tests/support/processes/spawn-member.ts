import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { MemberLine, MemberOrder } from './bus-member.ts'

export type Member = {
  /** Values of the records it was handed, in its order. */
  readonly values: readonly string[]
  readonly partitions: ReadonlySet<number>
  /** The most that its heap and buffers took so far. */
  readonly peakBytes: () => number
  /** How often its memory was measured. */
  readonly samples: () => number
  /** SIGKILL; resolves when the process is gone. */
  readonly kill: () => Promise<void>
}

export const spawnMember = (order: MemberOrder): Member => {
  const script = new URL('./bus-member.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [script, JSON.stringify(order)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const values: string[] = []
  const partitions = new Set<number>()
  let peakBytes = 0
  let samples = 0
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = JSON.parse(text) as MemberLine
    if ('memoryBytes' in line) {
      samples++
      peakBytes = Math.max(peakBytes, line.memoryBytes)
    } else {
      values.push(line.value)
      partitions.add(line.partition)
    }
  })
  return {
    values,
    partitions,
    peakBytes: () => peakBytes,
    samples: () => samples,
    kill: async () => {
      child.kill('SIGKILL')
      await gone
    },
  }
}
