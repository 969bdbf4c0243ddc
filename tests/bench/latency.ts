import { setTimeout as pause } from 'node:timers/promises'
import { Agent } from 'undici'
import type { Bus } from '#libs/bus/bus.ts'
import { type Figure, type Run, type Sizes, withCleanup } from './bench-run.ts'
import { createEventMaker, type MadeEvent } from './make-events.ts'
import {
  createEnvironment,
  type RunningService,
  startEmbeddedBus,
  startKafkaBus,
  startPostgres,
  startService,
} from './parts.ts'
import { peakMbOf, watchPostgresMemory } from './process-use.ts'

/** A request each 10 ms, sent when it is due whether or not the ones before have been answered. */
const EVERY_MS = 10
const PATIENCE_MS = 60_000
const PROBE = 'probe-'

type Door = { readonly address: string; readonly key: string }

/**
 * One event of each request opens an account, which always makes a change: its way can be followed
 * to the end.
 */
const send = async (agent: Agent, door: Door, events: readonly MadeEvent[]): Promise<void> => {
  const answer = await agent.request({
    origin: door.address,
    path: '/v1/events',
    method: 'POST',
    headers: { authorization: `Bearer ${door.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ events }),
  })
  const text = await answer.body.text()
  if (answer.statusCode !== 202) throw new Error(`the door answered ${answer.statusCode}: ${text.slice(0, 300)}`)
}

/** When the first sign of each probe came to the end of its way, by the probe's number. */
export type Watch = { readonly arrivals: ReadonlyMap<number, number>; readonly stop: () => Promise<void> }

/** Undefined for what bears no probe's name. */
export const probeIn = (text: string): number | undefined => {
  const at = text.indexOf(PROBE)
  return at < 0 ? undefined : Number.parseInt(text.slice(at + PROBE.length), 10)
}

/** The end of the way is the change on `account.health`. */
export const watchHealth = async (bus: Bus): Promise<Watch> => {
  const arrivals = new Map<number, number>()
  await bus.ensureTopics(['account.health'])
  const subscription = await bus.consume({
    group: 'bench-latency',
    topic: 'account.health',
    handle: async ({ records }) => {
      const at = performance.now()
      for (const { key } of records) {
        const probe = probeIn(key)
        if (probe !== undefined && !arrivals.has(probe)) arrivals.set(probe, at)
      }
    },
  })
  return { arrivals, stop: subscription.stop }
}

export type Load = {
  readonly perSecond: number
  readonly warmUpSeconds: number
  /** Asked before each request. */
  readonly goesOn: (afterMs: number) => boolean
}

export const loadOf = (perSecond: number, { latencySeconds, warmUpSeconds }: Sizes): Load => ({
  perSecond,
  warmUpSeconds,
  goesOn: (afterMs) => afterMs < (warmUpSeconds + latencySeconds) * 1_000,
})

/**
 * Sends at this rate and answers how long each probe took, sorted; those of the warm-up are left
 * out.
 */
export const drive = async (
  { arrivals, stop }: Watch,
  door: Door,
  { perSecond, warmUpSeconds, goesOn }: Load,
): Promise<readonly number[]> => {
  const perRequest = Math.round((perSecond * EVERY_MS) / 1_000)
  let requests = 0
  const next = createEventMaker(`live${perSecond}`)
  const agent = new Agent({ connections: 64, pipelining: 1 })
  const startedAt = performance.now() + 200
  const dueAt = (request: number): number => startedAt + request * EVERY_MS
  const sends: Promise<void>[] = []
  try {
    while (goesOn(requests * EVERY_MS)) {
      const request = requests++
      const waitMs = dueAt(request) - performance.now()
      if (waitMs > 0) await pause(waitMs)
      const now = Date.now()
      const events = Array.from({ length: perRequest }, () => next(now))
      events[0] = { ...events[0]!, accountId: `${PROBE}${request}`, occurredAt: new Date(now).toISOString() }
      const sent = send(agent, door, events)
      sent.catch(() => undefined)
      sends.push(sent)
    }
    await Promise.all(sends)
    const giveUpAt = performance.now() + PATIENCE_MS
    while (arrivals.size < requests && performance.now() < giveUpAt) await pause(50)
    if (arrivals.size < requests) throw new Error(`${requests - arrivals.size} of ${requests} probes never came`)
  } finally {
    await stop()
    await agent.close()
  }
  return [...arrivals]
    .filter(([request]) => request * EVERY_MS >= warmUpSeconds * 1_000)
    .map(([request, at]) => at - dueAt(request))
    .sort((a, b) => a - b)
}

export const share = (sorted: readonly number[], part: number): number =>
  Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]! * 10) / 10

type Parts = {
  readonly bus: Bus
  readonly key: string
  readonly ingest: RunningService
  readonly scoring: RunningService
}

const figureOf = async (run: Run, bus: 'kafka' | 'embedded', perSecond: number, parts: Parts): Promise<Figure> => {
  const memory = watchPostgresMemory()
  try {
    const door = { address: parts.ingest.address, key: parts.key }
    const sorted = await drive(await watchHealth(parts.bus), door, loadOf(perSecond, run.sizes))
    const alone = parts.ingest !== parts.scoring
    return {
      bench: `latency-${perSecond}`,
      bus,
      events: sorted.length,
      perSecond,
      p50Ms: share(sorted, 0.5),
      p99Ms: share(sorted, 0.99),
      maxMs: share(sorted, 1),
      peakMb: peakMbOf(parts.scoring.pid),
      ...(alone ? { ingestPeakMb: peakMbOf(parts.ingest.pid) } : {}),
      postgresPeakMb: memory.stop(),
    }
  } finally {
    memory.stop()
  }
}

/**
 * From the instant at which the request was due, through the door, the log, the score and its
 * commit, to the change on `account.health`.
 */
export const latencyOnKafka = async (run: Run, perSecond: number): Promise<Figure> => {
  const { brokers } = await run.kafka()
  return withCleanup(async (defer) => {
    const topicPrefix = `latency-${perSecond}-`
    const postgres = await startPostgres(defer)
    const own = { KAFKA_BROKERS: brokers, KAFKA_TOPIC_PREFIX: topicPrefix }
    const environment = createEnvironment(postgres, own)
    const scoring = await startService(defer, 'scoring', environment, run.profiles)
    const ingest = await startService(defer, 'ingest', environment)
    const bus = await startKafkaBus(defer, brokers, topicPrefix)
    return figureOf(run, 'kafka', perSecond, { bus, key: environment.PULSO_BOOTSTRAP_KEY, ingest, scoring })
  })
}

export const latencyEmbedded = (run: Run, perSecond: number): Promise<Figure> =>
  withCleanup(async (defer) => {
    const postgres = await startPostgres(defer)
    const environment = createEnvironment(postgres, {})
    const all = await startService(defer, 'all', environment, run.profiles)
    const bus = await startEmbeddedBus(defer, postgres)
    return figureOf(run, 'embedded', perSecond, {
      bus,
      key: environment.PULSO_BOOTSTRAP_KEY,
      ingest: all,
      scoring: all,
    })
  })
