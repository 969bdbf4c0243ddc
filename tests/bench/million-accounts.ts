import type { Database } from '#libs/postgres/database.ts'
import { FIND_DUE } from '../../services/scoring/timers/due-store.ts'
import { type Figure, type Run, withCleanup } from './bench-run.ts'
import { fillAccounts } from './fill-log.ts'
import { createEnvironment, startKafkaBus, startPostgres, startService } from './parts.ts'
import { cpuSecondsOf, peakMbOf } from './process-use.ts'
import { perSecondOf } from './scoring.ts'

const PREFIX = 'wide-'
const BOUNDS = {
  PULSO_SCORING_CACHE_BYTES: String(40 * 1024 * 1024),
  PULSO_SCORING_HELD_BYTES: String(24 * 1024 * 1024),
}
const DUE = 1_000
const LOOKS = 21
const YEAR_MS = 365 * 86_400_000

/**
 * Milliseconds in the database to find the next 1,000 accounts when all are due: the middle of many
 * looks.
 */
const findDueMs = async (database: Database): Promise<number> => {
  await database.query('vacuum analyze scoring.account')
  const looks: number[] = []
  for (let look = 0; look < LOOKS; look++) {
    const [row] = await database.query<{ 'QUERY PLAN': readonly { 'Execution Time': number }[] }>(
      `explain (analyze, timing off, format json) ${FIND_DUE}`,
      [Date.now() + YEAR_MS, DUE],
    )
    looks.push(row!['QUERY PLAN'][0]!['Execution Time'])
  }
  return looks.sort((a, b) => a - b)[LOOKS >> 1]!
}

/**
 * As many accounts as the service does not keep in memory: what they cost it, and how fast the next
 * due are found among them.
 */
export const millionAccounts = async (run: Run): Promise<Figure> =>
  withCleanup(async (defer) => {
    const { brokers } = await run.kafka()
    const { accounts } = run.sizes
    await withCleanup(async (deferBus) => fillAccounts(await startKafkaBus(deferBus, brokers, PREFIX), accounts))
    const postgres = await startPostgres(defer)
    const environment = createEnvironment(postgres, {
      KAFKA_BROKERS: brokers,
      KAFKA_TOPIC_PREFIX: PREFIX,
      ...BOUNDS,
    })
    const service = await startService(defer, 'scoring', environment, run.profiles)
    const cpuBefore = cpuSecondsOf(service.pid)
    const perSecond = await perSecondOf(service, accounts)
    const cpuSeconds = cpuSecondsOf(service.pid) - cpuBefore
    const p50Ms = await findDueMs(postgres.database)
    return {
      bench: 'million-accounts',
      bus: 'kafka',
      events: accounts,
      perSecond: Math.round(perSecond),
      cpuSecondsPerMillion: Math.round((cpuSeconds * 1e7) / accounts) / 10,
      p50Ms,
      peakMb: peakMbOf(service.pid),
    }
  })
