import { UnavailableError } from '#libs/runtime/errors.ts'

const NETWORK_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
])

/** Connection (08), out of resources (53), shutdown and start-up, a read-only standby. */
const AWAY_STATES = /^(08...|53...|57P0[1-5]|25006)$/

/** The driver reports these in words only. */
const DRIVER_WORDS =
  /connection terminated|timeout exceeded when trying to connect|query read timeout|not queryable|connection error|client was closed|client has already been closed/i

/**
 * Faults of the environment, not of the values that a statement bears: login (28), database and
 * schema (3D, 3F), missing tables, columns and rights (42), plans of before a migration (0A), locks
 * and time-outs (25, 40, 55, 57), the server's own (58, F0, XX).
 */
const ENVIRONMENT_STATES = /^(0A|25|28|3D|3F|40|42|55|57|58|F0|XX)...$/

/** The client asked for TLS, or checked a certificate, and did not get what it wanted. */
const TLS_WORDS = /does not support SSL|certificate/i
const TLS_CODES = /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|EPROTO)/

const codeOf = (error: unknown): string => String((error as { code?: unknown } | undefined)?.code ?? '')

const isFaultOfTls = (error: unknown): boolean =>
  TLS_CODES.test(codeOf(error)) || (error instanceof Error && codeOf(error) === '' && TLS_WORDS.test(error.message))

/** True when the connection is of no use any more. */
export const isServerAway = (error: unknown): boolean =>
  error instanceof UnavailableError
    ? error.cause !== undefined && isServerAway(error.cause)
    : NETWORK_CODES.has(codeOf(error)) ||
      AWAY_STATES.test(codeOf(error)) ||
      isFaultOfTls(error) ||
      (error instanceof Error && codeOf(error) === '' && DRIVER_WORDS.test(error.message)) ||
      (error instanceof AggregateError && error.errors.some(isServerAway))

/** True when the same statement may work later: it was the environment that failed. */
const isEnvironmentFault = (error: unknown): boolean =>
  isServerAway(error) ||
  ENVIRONMENT_STATES.test(codeOf(error)) ||
  (error instanceof AggregateError && error.errors.some(isEnvironmentFault))

const unavailable = (error: unknown): UnavailableError => {
  const code = codeOf(error)
  // Neither the server's text nor an address: the message may reach a tenant.
  return new UnavailableError(`PostgreSQL is not available${code ? ` (${code})` : ''}`, { cause: error })
}

/** The error as the port promises it: `UnavailableError` for every fault of the environment. */
export const asDatabaseError = (error: unknown): unknown =>
  isEnvironmentFault(error) && !(error instanceof UnavailableError) ? unavailable(error) : error

/** The same for a connection of the caller's own, whose statements may be wrong. */
export const asConnectionError = (error: unknown): unknown =>
  isServerAway(error) && !(error instanceof UnavailableError) ? unavailable(error) : error
