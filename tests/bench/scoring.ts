import { setTimeout as pause } from 'node:timers/promises'
import type { Database } from '#libs/postgres/database.ts'
import { FILLED_PREFIX, type Figure, type Run, withCleanup } from './bench-run.ts'
import { fillLog } from './fill-log.ts'
import { createEnvironment, type RunningService, startEmbeddedBus, startPostgres, startService } from './parts.ts'
import { cpuSecondsOf, peakMbOf, postgresCpuSeconds, watchPostgresMemory } from './process-use.ts'

const LOOK_EVERY_MS = 100
const STUCK_AFTER_MS = 60_000
const EARLY_EVENTS = 300_000

const figureIn = (text: string, name: string): number =>
  Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.slice(name.length + 1) ?? 0,
  )
const metricsOf = async (service: RunningService): Promise<string> => (await fetch(`${service.address}/metrics`)).text()
const counted = async (service: RunningService): Promise<number> =>
  figureIn(await metricsOf(service), 'pulso_scoring_events_total{outcome="counted"}')
const perFlush = async (service: RunningService): Promise<number> => {
  const text = await metricsOf(service)
  const name = 'pulso_scoring_batch_records'
  return Math.round(figureIn(text, `${name}_sum`) / figureIn(text, `${name}_count`))
}

/** From the first events counted (durably: the figure moves after the commit) to the last. */
export const perSecondOf = async (
  service: RunningService,
  events: number,
  onCount: (count: number) => void = () => {},
): Promise<number> => {
  let first: { readonly at: number; readonly count: number } | undefined
  let last = { at: performance.now(), count: 0 }
  while (last.count < events) {
    await pause(LOOK_EVERY_MS)
    const count = await counted(service)
    onCount(count)
    const at = performance.now()
    if (count > last.count) last = { at, count }
    else if (at - last.at > STUCK_AFTER_MS) throw new Error(`scoring stands still at ${count} of ${events} events`)
    if (count > 0) first ??= { at, count }
  }
  return first && last.at > first.at ? ((last.count - first.count) * 1_000) / (last.at - first.at) : 0
}

const mbPerMillion = async (database: Database, events: number): Promise<number> => {
  const [row] = await database.query<{ bytes: number }>(
    `select sum(pg_total_relation_size(c.oid)) as bytes from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'scoring' and c.relkind = 'r'`,
  )
  return Math.round(Number(row!.bytes) / events)
}

type Measured = {
  readonly run: Run
  readonly bench: string
  readonly bus: 'kafka' | 'embedded'
  readonly events: number
}

const measure = async (
  { run, bench, bus, events }: Measured,
  database: Database,
  start: () => Promise<RunningService>,
): Promise<Figure> => {
  const memory = watchPostgresMemory()
  try {
    const service = await start()
    const before = { own: cpuSecondsOf(service.pid), postgres: postgresCpuSeconds() }
    let peakMbAt300k = 0
    const perSecond = await perSecondOf(service, events, (count) => {
      if (count <= EARLY_EVENTS || peakMbAt300k === 0) peakMbAt300k = peakMbOf(service.pid)
    })
    const perMillion = (seconds: number): number => Math.round((seconds * 1e7) / events) / 10
    return {
      bench,
      bus,
      events,
      perSecond: Math.round(perSecond),
      ratio: perSecond / (await run.bare()).perSecond!,
      eventsPerFlush: await perFlush(service),
      cpuSecondsPerMillion: perMillion(cpuSecondsOf(service.pid) - before.own),
      postgresCpuSecondsPerMillion: perMillion(postgresCpuSeconds() - before.postgres),
      peakMb: peakMbOf(service.pid),
      peakMbAt300k,
      postgresPeakMb: memory.stop(),
      mbPerMillion: await mbPerMillion(database, events),
    }
  } finally {
    memory.stop()
  }
}

/** One scoring process over the topic that the bare loop read. */
export const scoringOnKafka = async (run: Run): Promise<Figure> => {
  const brokers = await run.filledKafka()
  await run.bare()
  return withCleanup(async (defer) => {
    const postgres = await startPostgres(defer)
    const environment = createEnvironment(postgres, { KAFKA_BROKERS: brokers, KAFKA_TOPIC_PREFIX: FILLED_PREFIX })
    const events = run.sizes.scoringEvents
    return measure({ run, bench: 'scoring-kafka', bus: 'kafka', events }, postgres.database, () =>
      startService(defer, 'scoring', environment, run.profiles),
    )
  })
}

/** Everything in one process (alerting reads along) over its own log in PostgreSQL. */
export const scoringEmbedded = async (run: Run): Promise<Figure> => {
  await run.bare()
  return withCleanup(async (defer) => {
    const postgres = await startPostgres(defer)
    const events = run.sizes.embeddedEvents
    await withCleanup(async (deferBus) => fillLog(await startEmbeddedBus(deferBus, postgres), events))
    return measure({ run, bench: 'scoring-embedded', bus: 'embedded', events }, postgres.database, () =>
      startService(defer, 'all', createEnvironment(postgres, {}), run.profiles),
    )
  })
}
