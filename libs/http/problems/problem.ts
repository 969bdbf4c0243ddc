import { STATUS_CODES } from 'node:http'
import { z } from 'zod'
import { type ErrorDetail, RequestError, UnavailableError } from '#libs/runtime/errors.ts'

export const PROBLEM_TYPE = 'application/problem+json'

export const problemSchema = z
  .object({
    type: z.string().describe('URN of the kind of problem'),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string().describe('The kind of problem, for programs'),
    requestId: z.string(),
    errors: z
      .array(z.object({ pointer: z.string(), code: z.string(), detail: z.string() }))
      .describe('RFC 6901 pointers into the request body; /query/... and /path/... for parameters; else empty'),
  })
  .meta({
    id: 'Problem',
    description: 'RFC 9457 problem',
    examples: [
      {
        type: 'urn:pulso:problem:invalid_request',
        title: 'Unprocessable Entity',
        status: 422,
        detail: 'The request body is not valid',
        code: 'invalid_request',
        requestId: '019371d5-4b1e-7cc0-8f4e-0a3f0d9c2b11',
        errors: [{ pointer: '/name', code: 'too_small', detail: 'Too small: expected string to have >=1 characters' }],
      },
    ],
  })
export type Problem = z.infer<typeof problemSchema>

const titleOf = (status: number): string => STATUS_CODES[status] ?? 'Error'

export type ProblemOptions = {
  readonly status: number
  readonly code: string
  readonly detail: string
  readonly errors?: readonly ErrorDetail[]
}

export const problem = ({ status, code, detail, errors = [] }: ProblemOptions, requestId: string): Problem => ({
  type: `urn:pulso:problem:${code}`,
  title: titleOf(status),
  status,
  detail,
  code,
  requestId,
  errors: [...errors],
})

type ProblemResponse = {
  description: string
  content: { [PROBLEM_TYPE]: { schema: typeof problemSchema } }
}

/** For a route's schema: `{ 200: thing, ...errors(404) }`. The server adds those of every route. */
export const errors = <Status extends number>(...statuses: readonly Status[]): { [S in Status]: ProblemResponse } =>
  Object.fromEntries(
    statuses.map((status) => [
      status,
      { description: titleOf(status), content: { [PROBLEM_TYPE]: { schema: problemSchema } } },
    ]),
  ) as { [S in Status]: ProblemResponse }

/** A thing of another tenant and a thing that does not exist get the same answer. */
export const notFound = (what: string): RequestError => new RequestError(404, 'not_found', `There is no such ${what}`)

type HttpError = Error & { readonly statusCode?: number; readonly code?: string }

const FASTIFY_CODES: Readonly<Record<string, string>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'empty_body',
  FST_ERR_CTP_INVALID_JSON_BODY: 'invalid_json',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'invalid_content_length',
  FST_ERR_BAD_URL: 'invalid_url',
  FST_ERR_ASYNC_CONSTRAINT: 'invalid_url',
  FST_ERR_MAX_PARAM_LENGTH: 'url_too_long',
}

/** PostgreSQL: a value that it cannot take. What a route did not check is still the caller's. */
const DATA_EXCEPTION = /^22[0-9A-Z]{3}$/

/** Explains a mistake of the caller; hides the internals of any other error. */
export const describeError = (error: unknown): ProblemOptions => {
  if (error instanceof RequestError)
    return { status: error.status, code: error.code, detail: error.message, errors: error.errors }
  if (error instanceof UnavailableError)
    return { status: 503, code: 'unavailable', detail: 'A dependency of this service is unavailable; try again later' }
  const { statusCode, code, message, name } = (error ?? {}) as HttpError
  if (DATA_EXCEPTION.test(code ?? ''))
    return {
      status: 400,
      code: 'invalid_value',
      detail: 'A value of the request is beyond what can be stored or compared',
    }
  if (name === 'SyntaxError' && statusCode === 400) return badBody('invalid_json', 'The body is not valid JSON')
  if (/^(Z_|ZSTD_|ERR__ERROR_|ERR_BUFFER)/.test(code ?? ''))
    return badBody('invalid_encoding', 'The body does not match its Content-Encoding')
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    const known = FASTIFY_CODES[code ?? '']
    return {
      status: statusCode,
      code: known ?? 'bad_request',
      detail: known ? message : titleOf(statusCode),
      errors: known
        ? [{ pointer: known.includes('url') ? '/path' : '', code: known, detail: titleOf(statusCode) }]
        : [],
    }
  }
  return { status: 500, code: 'internal', detail: 'Something went wrong on our side; the log has the request id' }
}

const badBody = (code: string, detail: string): ProblemOptions => ({
  status: 400,
  code,
  detail,
  errors: [{ pointer: '', code, detail: 'The whole body' }],
})
