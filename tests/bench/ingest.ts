import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent } from 'undici'
import { flagsOf } from '../support/processes/spawn-process.ts'
import { type Figure, type Run, withCleanup } from './bench-run.ts'
import { createEventMaker } from './make-events.ts'
import { peakMbOf } from './process-use.ts'

const PER_REQUEST = 500
const IN_FLIGHT = 4
const WARM_UP_REQUESTS = 100
/** Of all that were posted, the warm-up among them. */
const EARLY_EVENTS = 300_000
/** As the service is started. */
const FLAGS = flagsOf('services/ingest/main.ts')
const PROGRAM = new URL('./ingest-process.ts', import.meta.url).pathname

const makeBodies = (requests: number): Buffer[] => {
  const next = createEventMaker('door')
  const now = Date.now()
  return Array.from({ length: requests }, () =>
    Buffer.from(JSON.stringify({ events: Array.from({ length: PER_REQUEST }, () => next(now)) })),
  )
}

const postAll = async (
  agent: Agent,
  origin: string,
  bodies: readonly Buffer[],
  onPosted: (requests: number) => void = () => {},
): Promise<number> => {
  let next = 0
  let posted = 0
  const worker = async (): Promise<void> => {
    for (let body = bodies[next++]; body; body = bodies[next++]) {
      const answer = await agent.request({
        origin,
        path: '/v1/events',
        method: 'POST',
        headers: { authorization: 'Bearer tenant-a', 'content-type': 'application/json' },
        body,
      })
      await answer.body.dump()
      if (answer.statusCode !== 202) throw new Error(`the door answered ${answer.statusCode}`)
      onPosted(++posted)
    }
  }
  const startedAt = performance.now()
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker))
  return (bodies.length * PER_REQUEST * 1_000) / (performance.now() - startedAt)
}

const measureDoor = (kind: 'check' | 'trust', bodies: readonly Buffer[]) =>
  withCleanup(async (defer) => {
    const child = spawn(process.execPath, [...FLAGS, PROGRAM, kind], { stdio: ['ignore', 'pipe', 'inherit'] })
    defer(async () => {
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    })
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    const agent = new Agent({ connections: IN_FLIGHT })
    defer(() => agent.close())
    await postAll(agent, line.toString().trim(), bodies.slice(0, WARM_UP_REQUESTS))
    let peakMbAt300k = 0
    const perSecond = await postAll(agent, line.toString().trim(), bodies.slice(WARM_UP_REQUESTS), (requests) => {
      if ((WARM_UP_REQUESTS + requests) * PER_REQUEST === EARLY_EVENTS) peakMbAt300k = peakMbOf(child.pid)
    })
    return { perSecond, peakMb: peakMbOf(child.pid), peakMbAt300k }
  })

/**
 * Batches of 500 over HTTP to a door in a process of its own, with its checks and without; the best
 * of each, taken in turns.
 */
export const ingestOverHttp = async (run: Run): Promise<Figure> => {
  const { ingestEvents, rounds } = run.sizes
  const bodies = makeBodies(WARM_UP_REQUESTS + ingestEvents / PER_REQUEST)
  let checked = { perSecond: 0, peakMb: 0, peakMbAt300k: 0 }
  let trusted = 0
  for (let round = 0; round < rounds; round++) {
    const measured = await measureDoor('check', bodies)
    if (measured.perSecond > checked.perSecond) checked = measured
    trusted = Math.max(trusted, (await measureDoor('trust', bodies)).perSecond)
  }
  const { perSecond, ...memory } = checked
  return {
    bench: 'ingest',
    events: ingestEvents,
    perSecond: Math.round(perSecond),
    ratio: perSecond / trusted,
    ...memory,
  }
}
