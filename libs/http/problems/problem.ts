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
        title: 'Unprocessable Content',
        status: 422,
        detail: 'The request body is not valid',
        code: 'invalid_request',
        requestId: '019371d5-4b1e-7cc0-8f4e-0a3f0d9c2b11',
        errors: [{ pointer: '/name', code: 'too_small', detail: 'Too small: expected string to have >=1 characters' }],
      },
    ],
  })
export type Problem = z.infer<typeof problemSchema>

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  410: 'Gone',
  413: 'Content Too Large',
  414: 'URI Too Long',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
}

export type ProblemOptions = {
  readonly status: number
  readonly code: string
  readonly detail: string
  readonly errors?: readonly ErrorDetail[]
}

/** The body of every answer that is an error. */
export const problem = ({ status, code, detail, errors = [] }: ProblemOptions, requestId: string): Problem => ({
  type: `urn:pulso:problem:${code}`,
  title: TITLES[status] ?? 'Error',
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

/** Error answers of a route for its schema: `response: { 200: thing, ...errors(404, 422) }`. The server adds 400, 401, 403, 429, 500 and 503. */
export const errors = <Status extends number>(...statuses: readonly Status[]): { [S in Status]: ProblemResponse } =>
  Object.fromEntries(
    statuses.map((status) => [
      status,
      { description: TITLES[status] ?? 'Error', content: { [PROBLEM_TYPE]: { schema: problemSchema } } },
    ]),
  ) as { [S in Status]: ProblemResponse }

/** Another tenant's thing and a thing that does not exist look alike. */
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

/** Where the fault is. */
const POINTERS: Readonly<Record<string, string>> = {
  unsupported_media_type: '',
  body_too_large: '',
  empty_body: '',
  invalid_json: '',
  invalid_content_length: '',
  invalid_url: '/path',
  url_too_long: '/path',
}

/** What an error looks like from outside: the caller's mistakes in words, everything else without its internals. */
export const describeError = (error: unknown): ProblemOptions => {
  if (error instanceof RequestError)
    return { status: error.status, code: error.code, detail: error.message, errors: error.errors }
  if (error instanceof UnavailableError)
    return { status: 503, code: 'unavailable', detail: 'A part this service needs is away; try again later' }
  const { statusCode, code, message, name } = (error ?? {}) as HttpError
  if (name === 'SyntaxError' && statusCode === 400)
    return {
      status: 400,
      code: 'invalid_json',
      detail: 'The body is not valid JSON',
      errors: wholeBody('invalid_json'),
    }
  if (code?.startsWith('Z_') || code?.startsWith('ERR__ERROR_') || code?.startsWith('ERR_BUFFER'))
    return {
      status: 400,
      code: 'invalid_encoding',
      detail: 'The body does not match its Content-Encoding',
      errors: wholeBody('invalid_encoding'),
    }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    const known = FASTIFY_CODES[code ?? '']
    return {
      status: statusCode,
      code: known ?? 'bad_request',
      detail: known ? message : (TITLES[statusCode] ?? 'Bad Request'),
      errors: known ? [{ pointer: POINTERS[known]!, code: known, detail: TITLES[statusCode] ?? 'Bad Request' }] : [],
    }
  }
  return { status: 500, code: 'internal', detail: 'Something went wrong on our side; the log has the request id' }
}

const wholeBody = (code: string): ErrorDetail[] => [{ pointer: '', code, detail: 'The whole body' }]
