/** Something that runs SQL: the pool or one transaction. Parameters only, never text put together from values. */
export type Sql = {
  readonly query: <Row = Record<string, unknown>>(text: string, params?: readonly unknown[]) => Promise<readonly Row[]>
}

/**
 * PostgreSQL. Throws `UnavailableError` when the server is away (refused, reset, shutting down, too many clients), the driver's
 * error otherwise. bigint and numeric columns arrive as numbers, timestamptz as epoch milliseconds (numbers), date as text.
 */
export type Database = Sql & {
  readonly start: () => Promise<void>
  readonly stop: () => Promise<void>
  readonly check: () => Promise<void>
  /** Runs `work` in one transaction: commits when it resolves, rolls back when it throws. */
  readonly transaction: <T>(work: (tx: Sql) => Promise<T>) => Promise<T>
  /** Calls `onNotify(payload)` for each `notify channel`, reconnecting by itself (and calling once after each reconnect, with ''). The answer stops it. */
  readonly listen: (channel: string, onNotify: (payload: string) => void) => Promise<() => Promise<void>>
}
