/** The pool or one transaction. Values are parameters; they never become part of the text. */
export type Sql = {
  readonly query: <Row = Record<string, unknown>>(text: string, params?: readonly unknown[]) => Promise<readonly Row[]>
}

/**
 * Throws `UnavailableError` when the server is unavailable, otherwise the driver's error. bigint
 * and numeric arrive as numbers, timestamptz as epoch milliseconds, date as text.
 */
export type Database = Sql & {
  readonly start: () => Promise<void>
  readonly stop: () => Promise<void>
  readonly check: () => Promise<void>
  /** Runs `work` in one transaction: commits when it resolves, rolls back when it throws. */
  readonly transaction: <T>(work: (tx: Sql) => Promise<T>) => Promise<T>
  /** Calls `onNotify` with each payload, and with '' after a reconnect. The answer stops it. */
  readonly listen: (channel: string, onNotify: (payload: string) => void) => Promise<() => Promise<void>>
}
