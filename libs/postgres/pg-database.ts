import pg from 'pg'
import type { Logger } from '#libs/runtime/logger.ts'
import type { Database, Sql } from './database.ts'
import { keepListening } from './keep-listening.ts'
import { asConnectionError, asDatabaseError, isServerAway } from './pg-errors.ts'
import { limitSession, type SessionLimits } from './pg-session.ts'
import type { PoolMetrics } from './pool-metrics.ts'

export type DatabaseOptions = {
  readonly connectionString: string
  readonly logger: Logger
  /** Default 10; `listen` holds one more each. */
  readonly maxConnections?: number
  readonly applicationName?: string
  /** How long a caller waits for a connection. Default 10 s. */
  readonly waitMs?: number
  /** Default: those of the server. */
  readonly session?: SessionLimits
  /** Shows the pool under its name. */
  readonly poolName?: string
  readonly poolMetrics?: PoolMetrics
}

const CONNECT_TIMEOUT_MS = 10_000
/** A link that drops packets shows as `UnavailableError` after this time. */
const QUERY_TIMEOUT_MS = 60_000
const KEEP_ALIVE_MS = 10_000

const asNumber = (text: string): number => Number(text)
/** postgres-date knows infinity, eras and zones; its Date becomes epoch ms. */
const parseTimestamp = pg.types.getTypeParser(1184, 'text') as (text: string) => Date | number
const asEpochMs = (text: string): number => Number(parseTimestamp(text))
const parseTexts = pg.types.getTypeParser(1009 as number, 'text') as (text: string) => (string | null)[]
const arrayOf =
  (parse: (text: string) => unknown) =>
  (text: string): unknown[] =>
    parseTexts(text).map((item) => (item === null ? null : parse(item)))

/** int8, numeric, timestamptz, date and arrays of them; other types as the driver parses them. */
const PARSERS: Readonly<Record<number, (text: string) => unknown>> = {
  20: asNumber,
  1700: asNumber,
  1184: asEpochMs,
  1082: (text) => text,
  1016: arrayOf(asNumber),
  1231: arrayOf(asNumber),
  1185: arrayOf(asEpochMs),
  1182: arrayOf((text) => text),
}

const types = {
  getTypeParser: (id: number, format?: string) =>
    (format === 'binary' ? undefined : PARSERS[id]) ?? pg.types.getTypeParser(id, format as 'text'),
} as pg.CustomTypesConfig

/** Opens a connection for `work` and closes it after: for callers that need the driver's client. */
export const withConnection = async <T>(
  connectionString: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> => {
  const client = new pg.Client({
    connectionString,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    types,
  })
  client.on('error', () => {})
  try {
    await client.connect()
    return await work(client)
  } catch (error) {
    throw asConnectionError(error)
  } finally {
    await client.end().catch(() => {})
  }
}

/**
 * Pass instants as epoch ms, `to_timestamp($n::double precision / 1000)`, and many values as a blob
 * or an `ArrayColumn`: a JS array travels as text. `start` throws `UnavailableError`.
 */
export const createDatabase = (options: DatabaseOptions): Database => {
  const { logger } = options
  const connection = {
    connectionString: options.connectionString,
    application_name: options.applicationName ?? 'pulso',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    types,
  }
  const { session } = options
  const pool = new pg.Pool({
    ...connection,
    ...(options.waitMs === undefined ? {} : { connectionTimeoutMillis: options.waitMs }),
    ...(session ? { onConnect: (client: pg.ClientBase) => limitSession(client, session) } : {}),
    max: options.maxConnections ?? 10,
    query_timeout: QUERY_TIMEOUT_MS,
    allowExitOnIdle: true,
  })
  // Without these two, a lost connection is an unhandled 'error' event and ends the process.
  pool.on('error', (error) => logger.warn({ err: error }, 'idle database connection lost'))
  options.poolMetrics?.watch(options.poolName ?? 'database', pool)
  pool.on('connect', (client) => client.on('error', () => {}))

  const withClient = async <T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> => {
    let client: pg.PoolClient | undefined
    let broken = false
    try {
      client = await pool.connect()
      return await work(client)
    } catch (error) {
      broken = isServerAway(error)
      throw asDatabaseError(error)
    } finally {
      client?.release(broken)
    }
  }

  const sqlOf = (client: pg.PoolClient): Sql => ({
    query: async <Row>(text: string, params: readonly unknown[] = []) => {
      try {
        return (await client.query(text, [...params])).rows as Row[]
      } catch (error) {
        throw asDatabaseError(error)
      }
    },
  })

  const query: Sql['query'] = (text, params) => withClient((client) => sqlOf(client).query(text, params))

  const transaction: Database['transaction'] = (work) =>
    withClient(async (client) => {
      await client.query('begin')
      try {
        const answer = await work(sqlOf(client))
        // A swallowed failure turns the commit into a rollback: the server's answer alone tells.
        const { command } = await client.query('commit')
        if (command !== 'COMMIT') throw new Error('the transaction had failed and was rolled back')
        return answer
      } catch (error) {
        if (isServerAway(error)) throw error
        await client.query('rollback').catch((cause) => {
          throw asDatabaseError(new AggregateError([cause, error], 'rollback failed'))
        })
        throw error
      }
    })

  const listeners = new Set<() => Promise<void>>()
  const listen: Database['listen'] = async (channel, onNotify) => {
    const stopListening = await keepListening({
      connect: (onLost) => connectListener(channel, onNotify, onLost),
      onReconnect: () => onNotify(''),
      logger,
    })
    listeners.add(stopListening)
    return async () => {
      listeners.delete(stopListening)
      await stopListening()
    }
  }
  const connectListener = async (channel: string, onNotify: (payload: string) => void, onLost: () => void) => {
    const client = new pg.Client({ ...connection, application_name: `${connection.application_name} listen` })
    client.on('error', () => {})
    client.on('notification', (message) => onNotify(message.payload ?? ''))
    try {
      await client.connect()
      await client.query(`listen ${pg.escapeIdentifier(channel)}`)
    } catch (error) {
      await client.end().catch(() => {})
      throw error
    }
    client.once('end', onLost)
    return () => client.end().catch(() => {})
  }

  const check = async () => {
    await query('select 1')
  }

  return {
    start: check,
    stop: async () => {
      await Promise.all([...listeners].map((stop) => stop()))
      await pool.end()
    },
    check,
    query,
    transaction,
    listen,
  }
}
