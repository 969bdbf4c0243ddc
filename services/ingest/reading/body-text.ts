import { isUtf8 } from 'node:buffer'
import { isBadText, type JsonLimits } from '#libs/http/limits/json-limits.ts'
import { withoutMark } from '#libs/http/safe-json.ts'
import { RequestError } from '#libs/runtime/errors.ts'
import { parseInstant } from '#libs/time/instant.ts'

export type BodyText = { readonly text: string; readonly isBad: JsonLimits['isBad'] }

const REPLACEMENT = '\ufffd'
const isBadOrReplaced = (text: string): boolean => isBadText(text) || text.includes(REPLACEMENT)

/**
 * A body without `\u` escapes cannot contain NUL or lone surrogates: most bodies need no check.
 * Bytes that are not UTF-8 become replacement characters; only items that contain one are rejected.
 */
export const readBodyText = (given: Buffer): BodyText => {
  const body = withoutMark(given)
  if (!isUtf8(body)) return { text: body.toString('utf8'), isBad: isBadOrReplaced }
  return { text: body.toString('utf8'), isBad: body.includes('\\u') ? isBadText : undefined }
}

export const badEnvelope = (code: string, detail: string, pointer = '', status = 400): RequestError =>
  new RequestError(status, code, detail, [{ pointer, code, detail }])

export const inflatedTooLarge = (): RequestError =>
  badEnvelope('body_too_large', 'The inflated body is too large', '', 413)

export const parseJson = (text: string): unknown => {
  if (text.length === 0) throw badEnvelope('empty_body', 'The body is empty')
  try {
    return JSON.parse(text)
  } catch {
    throw badEnvelope('invalid_json', 'The body is not valid JSON')
  }
}

export const MAX_ITEMS = 1_000

/** Throws for a list that is empty or too long. */
export const assertItems = (count: number, pointer: string): void => {
  if (count === 0) throw badEnvelope('empty_list', 'The list contains no event', pointer)
  if (count > MAX_ITEMS)
    throw badEnvelope('too_many_items', `A request may have at most ${MAX_ITEMS} events, not ${count}`, pointer, 413)
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/

/** Epoch milliseconds of an envelope's `sentAt`; undefined when absent. */
export const readSentAt = (value: unknown, pointer: string): number | undefined => {
  if (value === undefined || value === null) return undefined
  const sentAt = typeof value === 'string' && INSTANT.test(value) ? parseInstant(value) : Number.NaN
  if (Number.isNaN(sentAt)) throw badEnvelope('invalid_instant', 'sentAt must be an RFC 3339 instant', pointer)
  return sentAt
}
