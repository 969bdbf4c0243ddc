import { setTimeout as pause } from 'node:timers/promises'
import { request } from 'undici'
import type { Database } from '#libs/postgres/database.ts'
import { everyDay, modelDocument } from '../support/scoring/model-documents.ts'
import { type Figure, type Run, withCleanup } from './bench-run.ts'
import { fillAccounts } from './fill-log.ts'
import { drive, share, watchHealth } from './latency.ts'
import { createEnvironment, startKafkaBus, startPostgres, startService } from './parts.ts'
import { peakMbOf } from './process-use.ts'
import { perSecondOf } from './scoring.ts'

const PREFIX = 'anew-'
const LIVE_PER_SECOND = 1_000
const LOOK_EVERY_MS = 200
const PATIENCE_MS = 300_000

type Api = { readonly address: string; readonly key: string }

const post = async ({ address, key }: Api, path: string, body: object): Promise<void> => {
  const answer = await request(`${address}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const text = await answer.body.text()
  if (answer.statusCode >= 300) throw new Error(`POST ${path} was answered ${answer.statusCode}: ${text}`)
}

/**
 * A second version of the shipped model, by which every day of the window must be an active one.
 */
const publishAnother = async (api: Api): Promise<void> => {
  await post(api, '/v1/models', modelDocument(everyDay))
  await post(api, '/v1/models/default/versions/2/publish', {})
}

const untilAllScoredBy = async (database: Database, version: number): Promise<void> => {
  const giveUpAt = performance.now() + PATIENCE_MS
  for (;;) {
    const [row] = await database.query<{ left: number }>(
      'select count(*) as left from scoring.account where model_version <> $1',
      [version],
    )
    if (Number(row!.left) === 0) return
    if (performance.now() > giveUpAt) throw new Error(`${row!.left} accounts were not scored by version ${version}`)
    await pause(LOOK_EVERY_MS)
  }
}

/**
 * A model is published over HTTP while live events go on: how fast all accounts are scored by it,
 * and what that does to the events.
 */
export const reevaluation = async (run: Run): Promise<Figure> =>
  withCleanup(async (defer) => {
    const { brokers } = await run.kafka()
    const { reevaluations, warmUpSeconds } = run.sizes
    const bus = await startKafkaBus(defer, brokers, PREFIX)
    await fillAccounts(bus, reevaluations)
    const postgres = await startPostgres(defer)
    const environment = createEnvironment(postgres, { KAFKA_BROKERS: brokers, KAFKA_TOPIC_PREFIX: PREFIX })
    const scoring = await startService(defer, 'scoring', environment, run.profiles)
    const ingest = await startService(defer, 'ingest', environment)
    await perSecondOf(scoring, reevaluations)
    const key = environment.PULSO_BOOTSTRAP_KEY
    const watch = await watchHealth(bus)
    let isOver = false
    const pass = async (): Promise<number> => {
      try {
        await pause(warmUpSeconds * 1_000)
        const startedAt = performance.now()
        await publishAnother({ address: scoring.address, key })
        await untilAllScoredBy(postgres.database, 2)
        return (reevaluations * 1_000) / (performance.now() - startedAt)
      } finally {
        isOver = true
      }
    }
    const load = { perSecond: LIVE_PER_SECOND, warmUpSeconds, goesOn: () => !isOver }
    const [perSecond, sorted] = await Promise.all([pass(), drive(watch, { address: ingest.address, key }, load)])
    return {
      bench: 're-evaluation',
      bus: 'kafka',
      events: reevaluations,
      perSecond: Math.round(perSecond),
      p50Ms: share(sorted, 0.5),
      p99Ms: share(sorted, 0.99),
      maxMs: share(sorted, 1),
      peakMb: peakMbOf(scoring.pid),
    }
  })
