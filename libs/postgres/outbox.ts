import type { Bus } from '#libs/bus/bus.ts'
import type { TopicName } from '#libs/contracts/topics.ts'
import { type Clock, monotonicMs } from '#libs/runtime/clock.ts'
import { MINUTE_MS } from '#libs/runtime/durations.ts'
import { UnavailableError } from '#libs/runtime/errors.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import { counter, gauge, type Registry } from '#libs/runtime/metrics.ts'
import { type Repeating, repeat } from '#libs/runtime/repeat.ts'
import type { Database, Sql } from './database.ts'
import { createLease } from './lease.ts'

export type OutboxRecord = {
  readonly topic: TopicName
  readonly key: string
  readonly headers?: Readonly<Record<string, string>>
  readonly value: Buffer
}

/**
 * Publishes records only once the caller's transaction has committed. Needs the table `outbox (id
 * bigint generated always as identity primary key, topic text, key text, headers jsonb, value
 * bytea)`. Writers of one key lock what the key names, so that ids have the key's order.
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

/** `wake` it after a commit, so that records go out at once. Correctness does not need it. */
export type OutboxRelay = Repeating & {
  /** Rejects when the oldest record has been there for more than a minute. */
  readonly check: () => Promise<void>
}

export type OutboxRelayDeps = {
  readonly database: Database
  readonly bus: Bus
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Registry
  readonly schema: string
  readonly leaseMs?: number
  /** Longest age of the oldest record of a relay that works; default a minute. */
  readonly oldestMs?: number
}

const POLL_MS = 1_000
const BATCH = 1_000

type Row = {
  readonly id: number
  readonly topic: string
  readonly key: string
  readonly headers: Record<string, string> | null
  readonly value: Buffer
}

/**
 * Publishes in the order of ids and deletes once acknowledged: a crash in between publishes again.
 * A lease admits one relay per schema at a time. No transaction is open during a publish: a relay
 * that stops there holds up nobody for longer than its lease. Needs the table of `createLease`.
 */
export const createOutboxRelay = (deps: OutboxRelayDeps): OutboxRelay => {
  const { database, bus, clock, logger, metrics, schema, leaseMs, oldestMs = MINUTE_MS } = deps
  const lease = createLease({
    sql: database,
    clock,
    schema,
    name: 'outbox',
    ...(leaseMs === undefined ? {} : { lengthMs: leaseMs }),
  })
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
  const publish = async (rows: readonly Row[]): Promise<void> => {
    for (const [topic, group] of Map.groupBy(rows, (row) => row.topic))
      await bus.publish(
        topic,
        group.map(({ key, value, headers }) => ({ key, value, ...(headers ? { headers } : {}) })),
      )
  }

  let oldest: { readonly id: number; readonly seenAt: number } | undefined
  const check = async (): Promise<void> => {
    const [row] = await database.query<{ id: number | null }>(`select min(id) as id from ${schema}.outbox`)
    const id = row?.id ?? undefined
    if (id === undefined) oldest = undefined
    else if (oldest?.id !== id) oldest = { id, seenAt: monotonicMs() }
    else if (monotonicMs() - oldest.seenAt >= oldestMs) throw new UnavailableError(`outbox of ${schema} stands still`)
  }

  const relayOnce = async (): Promise<number> => {
    if (!(await lease.claim())) return 0
    const rows = await database.query<Row>(
      `select id, topic, key, headers, value from ${schema}.outbox order by id limit ${BATCH}`,
    )
    if (rows.length === 0) return 0
    failpoint('outbox.claimed')
    await lease.keepDuring(() => publish(rows))
    failpoint('outbox.published')
    // A relay that took over meanwhile has published these rows too, so that both may delete them.
    await database.query(`delete from ${schema}.outbox where id = any($1::bigint[])`, [rows.map((row) => row.id)])
    failpoint('outbox.deleted')
    return rows.length
  }

  const loop = repeat(
    { clock, logger, everyMs: POLL_MS, mustEnd: true, failure: 'outbox not relayed, trying again', fields: { schema } },
    async () => {
      const count = await relayOnce()
      published.inc(count)
      if (count === 0) return undefined
      failpoint('outbox.committed')
      return 0
    },
  )
  return {
    ...loop,
    check,
    stop: async () => {
      await loop.stop()
      await lease.release().catch((error) => logger.debug({ err: error, schema }, 'lease of the outbox not released'))
    },
  }
}
