import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newApiKey } from '#libs/access/keys/api-key.ts'
import type { Database } from '#libs/postgres/database.ts'
import { createDatabase } from '#libs/postgres/pg-database.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { type OpenBus, openTestBus } from '../../support/bus/test-bus.ts'
import { eventually } from '../../support/eventually.ts'
import { freePort } from '../../support/processes/free-port.ts'
import { namesOfFailpoints } from '../failpoint-names.ts'
import type { Outcome } from '../run-exactly-once.ts'
import { checkArrivals, checkEvents, checkTransitions, type SeenEvent } from './check-year.ts'
import { startHostileReceiver } from './hostile-receiver.ts'
import { imagineYear } from './imagine-year.ts'
import { atTick, START_MS, TICKS_PER_DAY } from './lives.ts'
import { createPlayer } from './play-day.ts'
import { type SupervisedAlerting, superviseAlerting } from './supervise-alerting.ts'

export type YearPlan = {
  readonly accounts: number
  readonly days: number
  readonly seed: number
  /** Rounds over all failpoints of alerting. */
  readonly rounds: number
  readonly latestHit: number
  readonly onDay?: (day: number) => void
}

export type Servers = { readonly databaseUrl: string; readonly kafka?: string }

/** What a process with alerting alone passes, when it is told of accounts only. */
export const ALERTING_FAILPOINTS = /^(alerting\.(?!activity|monitors|notifications)|outbox\.|bus\.)/

/** Kafka's broker hands out partitions, the built-in log's readers claim them. */
const failpointsOf = ({ kafka }: Servers): readonly string[] =>
  namesOfFailpoints(ALERTING_FAILPOINTS).filter((name) => !kafka || name !== 'bus.lease.claimed')

/** So long may a delivery wait for its last try. */
const TAIL_DAYS = 10

/**
 * Plays a year of changes to an alerting service that is killed at one failpoint after the other,
 * before a receiver that fails, hangs and throttles; then holds its alerts, transitions, webhooks
 * and events against a naive reading of the same year. Scoring has no part in it: the changes are
 * scripted.
 */
export const runYear = async (servers: Servers, plan: YearPlan): Promise<Outcome> => {
  const year = imagineYear(plan)
  const topicPrefix = `year-${randomBytes(4).toString('hex')}-`
  const address = servers.kafka
    ? ({ kind: 'kafka', brokers: servers.kafka, topicPrefix } as const)
    : ({ kind: 'postgres', connectionString: servers.databaseUrl } as const)
  const database = createDatabase({ connectionString: servers.databaseUrl, logger: silentLogger })
  let alerting: SupervisedAlerting | undefined
  let opened: OpenBus | undefined
  const receiver = await startHostileReceiver(plan.seed, () => alerting?.shown() ?? [])
  const port = await freePort()
  const { key } = newApiKey('test')
  try {
    await database.start()
    alerting = await superviseAlerting({
      environment: environmentOf(servers, { key, port, topicPrefix }),
      startMs: START_MS,
      failpoints: Array.from({ length: plan.rounds }, () => failpointsOf(servers)).flat(),
      latestHit: plan.latestHit,
      seed: plan.seed,
      onDeath: servers.kafka ? async () => {} : () => endLeases(database),
    })
    opened = await openTestBus(address)
    const events = await listen(opened)
    const api = `http://127.0.0.1:${port}`
    const { secret } = await post<{ secret: string }>(`${api}/v1/webhook-endpoints`, key, {
      url: receiver.url,
      eventTypes: ['alert.firing', 'alert.resolved', 'opportunity.detected'],
    })
    receiver.setSecret(secret)
    // The year's accounts fall silent as their scripts say, each for itself: nothing of that is an
    // outage.
    const { origin: _, ...outage } = await ask<{ origin: string }>(`${api}/v1/rules/outage`, key)
    await ask(`${api}/v1/rules/outage`, key, { ...outage, enabled: false })
    for (const { fromTick, toTick, matcher } of year.silences)
      await post(`${api}/v1/silences`, key, { startsAt: instant(fromTick), endsAt: instant(toTick), matcher })

    const player = createPlayer({ alerting, database, bus: opened.bus, seed: plan.seed })
    let sent = 0
    const until = atTick(plan.days * TICKS_PER_DAY)
    for (let day = 1; day <= plan.days + TAIL_DAYS; day++) {
      const messages = year.byDay.get(day) ?? []
      sent += messages.length
      await player.playDay(day, messages)
      plan.onDay?.(day)
      if (day >= plan.days && (await player.isAllSentOf(until))) break
    }
    const wanted = [...year.expected.values()].flat().filter(({ kind }) => kind !== 'reminder').length
    await eventually('the events are read', () => events.length >= wanted, 15_000).catch(() => {})
    const { killedAt } = alerting
    const wrong = [
      ...(alerting.left() > 0 ? [`${alerting.left()} failpoints were not reached`] : []),
      ...(await checkTransitions(database, year.expected, until)),
      ...checkArrivals(receiver, year.expected, until),
      ...checkEvents(events, year.expected, until),
    ]
    return {
      wrong,
      seen: {
        changes: sent,
        transitions: [...year.expected.values()].flat().length,
        kills: killedAt.length,
        webhooks: receiver.arrivals.size,
        ...receiver.counts,
      },
    }
  } catch (error) {
    throw new Error(`the year could not be played: ${alerting?.fault() ?? ''}\n${alerting?.output() ?? ''}`, {
      cause: error,
    })
  } finally {
    await alerting?.stop()
    await opened?.close()
    await receiver.stop()
    await database.stop()
  }
}

const instant = (tick: number): string => new Date(atTick(tick)).toISOString()

const environmentOf = (
  { databaseUrl, kafka }: Servers,
  { key, port, topicPrefix }: { key: string; port: number; topicPrefix: string },
): Readonly<Record<string, string>> => ({
  PORT: String(port),
  DATABASE_URL: databaseUrl,
  ...(kafka ? { KAFKA_BROKERS: kafka, KAFKA_TOPIC_PREFIX: topicPrefix } : {}),
  NODE_COMPILE_CACHE: join(tmpdir(), 'pulso-faults-compiled'),
  PULSO_BOOTSTRAP_KEY: key,
  PULSO_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
  PULSO_WEBHOOK_ALLOW: '127.0.0.1/32:*',
  PULSO_WEBHOOK_ALLOW_HTTP: 'true',
})

/** What a dead process held on the log is free at once, as if its lease of 8 s had passed. */
const endLeases = async (database: Database): Promise<void> => {
  await database.query(
    "update bus.readers set expires_at = now() - interval '1 second' where consumer_group = 'alerting'",
  )
  await database.query("delete from bus.members where consumer_group = 'alerting'")
}

const listen = async ({ bus }: OpenBus): Promise<readonly SeenEvent[]> => {
  const events: SeenEvent[] = []
  await bus.consume({
    group: 'year',
    topic: 'alert.events',
    handle: async ({ records }) => {
      for (const { value } of records) events.push(JSON.parse(value.toString('utf8')) as SeenEvent)
    },
  })
  return events
}

/** Reads, or changes when there is a body. */
const ask = async <Answer>(url: string, key: string, body?: object): Promise<Answer> => {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const answer = await fetch(url, body ? { method: 'PUT', headers, body: JSON.stringify(body) } : { headers })
  if (answer.status !== 200) throw new Error(`${url}: ${answer.status} ${await answer.text()}`)
  return (await answer.json()) as Answer
}

const post = async <Answer>(url: string, key: string, body: object): Promise<Answer> => {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (answer.status !== 201) throw new Error(`POST ${url}: ${answer.status} ${await answer.text()}`)
  return (await answer.json()) as Answer
}
