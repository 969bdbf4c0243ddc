import { gunzipSync } from 'node:zlib'
import { isBadText } from '#libs/http/limits/json-limits.ts'
import { BODY_LIMIT_BYTES } from '#libs/http/server.ts'
import { type BodyText, badEnvelope, inflatedTooLarge, parseJson, readBodyText } from './body-text.ts'
import { inflateLz } from './lz-string.ts'

/** What the query of a request of a browser says beside its body. */
export type AnalyticsQuery = {
  readonly compression?: string | undefined
  readonly data?: string | undefined
  readonly api_key?: string | undefined
  readonly token?: string | undefined
  readonly writeKey?: string | undefined
}

export type AnalyticsBody = {
  readonly value: unknown
  readonly isBad: BodyText['isBad']
  /** A key in a form or in the query, beside the JSON. */
  readonly key: string | undefined
}

/** Inflates gzip that the client did not declare in `Content-Encoding`. */
const inflate = (body: Buffer): Buffer => {
  if (body[0] !== 0x1f || body[1] !== 0x8b) return body
  try {
    return gunzipSync(body, { maxOutputLength: BODY_LIMIT_BYTES })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw inflatedTooLarge()
    throw badEnvelope('invalid_encoding', 'The body is not gzip')
  }
}

const isJson = (text: string): boolean => /^\s*[[{]/.test(text)

/** The `data` of a form: JSON, or JSON in base64, with gzip or lz-string within. */
const readData = (data: string, compression: string | undefined): BodyText => {
  if (isJson(data)) return { text: data, isBad: isBadText }
  // A form that was not escaped has spaces for the plus signs of base64.
  const base64 = data.replaceAll(' ', '+')
  if (compression === 'lz64' || compression === 'lz-string') return { text: inflateLz(base64), isBad: isBadText }
  return readBodyText(inflate(Buffer.from(base64, 'base64')))
}

/** A text that says something. */
export const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

/**
 * Reads what analytics libraries send, whatever its Content-Type says: JSON, gzip, base64, or a
 * form whose `data` is one of them. The content decides: RudderStack calls its JSON a form.
 */
export const readAnalyticsBody = (body: Buffer, query: AnalyticsQuery = {}): AnalyticsBody => {
  const given = readBodyText(inflate(body))
  const beside = textOf(query.api_key) ?? textOf(query.token) ?? textOf(query.writeKey)
  if (given.text === '' || isJson(given.text)) return { value: parseJson(given.text), isBad: given.isBad, key: beside }
  const form = /(^|&)data=/.test(given.text) ? new URLSearchParams(given.text) : undefined
  const compression = textOf(form?.get('compression')) ?? textOf(query.compression)
  const { text, isBad } = readData(form?.get('data') ?? given.text, compression)
  const key = textOf(form?.get('api_key')) ?? textOf(form?.get('token')) ?? beside
  return { value: parseJson(text), isBad, key }
}
