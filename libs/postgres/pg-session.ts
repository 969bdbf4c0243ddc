import type pg from 'pg'

/** What the server ends by itself, in milliseconds. */
export type SessionLimits = {
  readonly statementMs: number
  readonly lockMs: number
  /** A transaction whose client says nothing: a machine that vanished holds no locks longer. */
  readonly idleInTransactionMs: number
}

export const PIPELINE_SESSION: SessionLimits = {
  statementMs: 60_000,
  lockMs: 10_000,
  idleInTransactionMs: 60_000,
}
/** A reader is told to come again, and what it has given up does not go on in the server. */
export const API_SESSION: SessionLimits = { statementMs: 15_000, lockMs: 5_000, idleInTransactionMs: 30_000 }

/** The server notices within half a minute that a client is gone. */
const KEEP_ALIVE = { tcp_keepalives_idle: 10, tcp_keepalives_interval: 5, tcp_keepalives_count: 3 }
const TCP_USER_TIMEOUT_MS = 30_000

/** By `set` and not by `options` at the start of the session, which PgBouncer refuses. */
export const limitSession = async (client: pg.ClientBase, limits: SessionLimits): Promise<void> => {
  const settings = {
    statement_timeout: limits.statementMs,
    lock_timeout: limits.lockMs,
    idle_in_transaction_session_timeout: limits.idleInTransactionMs,
    ...KEEP_ALIVE,
    tcp_user_timeout: TCP_USER_TIMEOUT_MS,
  }
  await client.query(
    Object.entries(settings)
      .map(([name, value]) => `set ${name} = ${value}`)
      .join('; '),
  )
}
