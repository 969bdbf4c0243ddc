import { writeSync } from 'node:fs'
import { parseDuration } from './durations.ts'

/** SIGKILL, SIGSTOP, an error in the work under way, or a pause of the whole process. */
type WrittenEffect = 'kill' | 'stop' | 'throw' | 'sleep'

export type Failpoint = {
  readonly name: string
  /** A function is for tests within the process: a place that awaits its failpoint waits for it. */
  readonly effect: WrittenEffect | (() => Promise<void>)
  readonly sleepMs: number
  /** Counts from 1: the effect happens at this hit, and never again. */
  readonly hit: number
}

const WRITTEN = /^([a-z][a-z_.]*)=(kill|stop|throw|sleep)(?::([\d.]+m?s))?(?:@([1-9]\d{0,8}))?$/

/** `name=kill`, `name=throw@3` or `name=sleep:500ms@2`; undefined for anything else. */
export const parseFailpoint = (text: string): Failpoint | undefined => {
  const [, name, effect, duration, hit = '1'] = WRITTEN.exec(text.trim()) ?? []
  if (name === undefined || (effect === 'sleep') !== (duration !== undefined)) return undefined
  const sleepMs = parseDuration(duration ?? '0ms')
  return sleepMs === undefined ? undefined : { name, effect: effect as WrittenEffect, sleepMs, hit: Number(hit) }
}

let armed: { readonly points: readonly Failpoint[]; readonly hits: Map<string, number> } | undefined

/** Arms the failpoints of this process; an empty list disarms all. */
export const armFailpoints = (points: readonly Failpoint[]): void => {
  armed = points.length === 0 ? undefined : { points, hits: new Map() }
}

/** A place where a test can hurt the process. Costs nothing unless the environment armed it. */
export const failpoint = (name: string): Promise<void> | undefined =>
  armed === undefined ? undefined : reach(name, armed)

const reach = (name: string, { points, hits }: NonNullable<typeof armed>): Promise<void> | undefined => {
  const hit = (hits.get(name) ?? 0) + 1
  hits.set(name, hit)
  const point = points.find((one) => one.name === name && one.hit === hit)
  if (point === undefined) return
  if (typeof point.effect === 'function') return point.effect()
  // Not by the logger, whose buffer is lost with the process.
  writeSync(2, `failpoint ${name}: ${point.effect} at hit ${hit}\n`)
  if (point.effect === 'throw') throw new Error(`failpoint ${name}`)
  if (point.effect === 'sleep') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, point.sleepMs)
  else process.kill(process.pid, point.effect === 'kill' ? 'SIGKILL' : 'SIGSTOP')
}
