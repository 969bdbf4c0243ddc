import type { Bus } from '#libs/bus/bus.ts'
import type { TopicName } from '#libs/contracts/topics.ts'
import { type Clock, sleep } from '#libs/runtime/clock.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import { counter, gauge, type Registry } from '#libs/runtime/metrics.ts'
import type { Database, Sql } from './database.ts'

export type OutboxRecord = {
  readonly topic: TopicName
  readonly key: string
  readonly headers?: Readonly<Record<string, string>>
  readonly value: Buffer
}

/**
 * Leaves records to be published once the caller's transaction has committed, and only then. The schema has the table
 * `outbox (id bigint generated always as identity primary key, topic text, key text, headers jsonb, value bytea)`.
 * Whoever writes two records of one key does it under a lock of what the key names: ids are then in the key's order.
 */
export const enqueue = async (tx: Sql, schema: string, records: readonly OutboxRecord[]): Promise<void> => {
  if (records.length === 0) return
  await tx.query(
    `insert into ${schema}.outbox (topic, key, headers, value)
     select topic, key, headers, value
       from unnest($1::text[], $2::text[], $3::jsonb[], $4::bytea[]) with ordinality as n(topic, key, headers, value, place)
      order by place`,
    [
      records.map((record) => record.topic),
      records.map((record) => record.key),
      records.map((record) => (record.headers ? JSON.stringify(record.headers) : null)),
      records.map((record) => record.value),
    ],
  )
}

export type OutboxRelay = {
  readonly start: () => void
  readonly stop: () => Promise<void>
  /** Something was committed: call after the commit. Not needed for correctness. */
  readonly wake: () => void
}

export type OutboxRelayDeps = {
  readonly database: Database
  readonly bus: Bus
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Registry
  readonly schema: string
}

const POLL_MS = 1_000
const RETRY_MS = 1_000
const BATCH = 1_000

type Row = {
  readonly id: number
  readonly topic: string
  readonly key: string
  readonly headers: Record<string, string> | null
  readonly value: Buffer
}

/**
 * Publishes what was enqueued, in the order of ids, and deletes it after the acknowledgement: a crash in between publishes again.
 * One relay at a time per schema, by a lock that ends with its transaction.
 */
export const createOutboxRelay = (deps: OutboxRelayDeps): OutboxRelay => {
  const { database, bus, clock, logger, metrics, schema } = deps
  const published = counter(metrics, {
    name: `pulso_${schema}_outbox_published_total`,
    help: 'Records published from the outbox',
  })
  const waiting = gauge(metrics, {
    name: `pulso_${schema}_outbox_waiting`,
    help: 'Records of the outbox that wait to be published',
    collect: async () => {
      const rows = await database.query<{ n: number }>(`select count(*) as n from ${schema}.outbox`).catch(() => [])
      if (rows[0]) waiting.set(rows[0].n)
    },
  })
  const stopping = new AbortController()
  let woken = new AbortController()
  let running: Promise<void> | undefined

  const relayOnce = (): Promise<number> =>
    database.transaction(async (tx) => {
      const [lock] = await tx.query<{ held: boolean }>(
        'select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as held',
        [`outbox:${schema}`],
      )
      if (!lock?.held) return 0
      const rows = await tx.query<Row>(
        `select id, topic, key, headers, value from ${schema}.outbox order by id limit ${BATCH}`,
      )
      if (rows.length > 0) failpoint('outbox.claimed')
      for (const [topic, group] of Map.groupBy(rows, (row) => row.topic))
        await bus.publish(
          topic,
          group.map(({ key, value, headers }) => ({ key, value, ...(headers ? { headers } : {}) })),
        )
      if (rows.length === 0) return 0
      failpoint('outbox.published')
      await tx.query(`delete from ${schema}.outbox where id = any($1::bigint[])`, [rows.map((row) => row.id)])
      failpoint('outbox.deleted')
      return rows.length
    })

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      let waitMs = POLL_MS
      woken = new AbortController()
      try {
        const count = await relayOnce()
        published.inc(count)
        if (count > 0) {
          failpoint('outbox.committed')
          continue
        }
      } catch (error) {
        logger.warn({ err: error, schema }, 'outbox not relayed, trying again')
        waitMs = RETRY_MS
      }
      await sleep(clock, waitMs, AbortSignal.any([stopping.signal, woken.signal]))
    }
  }

  return {
    start: () => {
      running = run()
    },
    stop: async () => {
      stopping.abort()
      await running
    },
    wake: () => woken.abort(),
  }
}
