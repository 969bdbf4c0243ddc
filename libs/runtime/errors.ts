/** A retry cannot help: a consumer dead-letters the record that caused it, with this reason. */
export class PermanentError extends Error {
  override name = 'PermanentError'
}

/** A dependency (database, broker) is unavailable: wait and retry for as long as it takes. */
export class UnavailableError extends Error {
  override name = 'UnavailableError'
}

/** The database is behind what was written to it: another, older one has taken its place. */
export class RewoundError extends Error {
  override name = 'RewoundError'
}

/** What `work` fails with, or undefined. A rejection without a reason is a failure too. */
export const failureOf = async (work: () => Promise<unknown>): Promise<unknown> => {
  try {
    await work()
    return undefined
  } catch (failure) {
    return failure ?? new Error('rejected without a reason')
  }
}

export type ErrorDetail = { readonly pointer: string; readonly code: string; readonly detail: string }

/** The caller's error. Each `pointer` is RFC 6901 into the request body. */
export class RequestError extends Error {
  override name = 'RequestError'
  readonly status: number
  readonly code: string
  readonly errors: readonly ErrorDetail[]
  constructor(status: number, code: string, message: string, errors: readonly ErrorDetail[] = []) {
    super(message)
    this.status = status
    this.code = code
    this.errors = errors
  }
}
