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

const codeOf = (error: unknown): string => String((error as { code?: unknown } | undefined)?.code ?? '')

/** True when the server, not the statement, is at fault: the same statement may work later. */
export const isServerAway = (error: unknown): boolean =>
  error instanceof UnavailableError ||
  NETWORK_CODES.has(codeOf(error)) ||
  AWAY_STATES.test(codeOf(error)) ||
  (error instanceof Error && codeOf(error) === '' && DRIVER_WORDS.test(error.message)) ||
  (error instanceof AggregateError && error.errors.some(isServerAway))

/** The error as the port promises it. Its message has no address: it may reach a tenant. */
export const asDatabaseError = (error: unknown): unknown =>
  isServerAway(error) && !(error instanceof UnavailableError)
    ? new UnavailableError('PostgreSQL is not available', { cause: error })
    : error
