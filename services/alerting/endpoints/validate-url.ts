import { isIP } from 'node:net'
import { type AllowEntry, checkAddress, isPortOpen } from './allowed-address.ts'

/** Exceptions by the operator. */
export type WebhookRules = {
  readonly allow: readonly AllowEntry[]
  readonly allowHttp: boolean
}

export type UrlProblem =
  | 'invalid_url'
  | 'scheme_not_allowed'
  | 'userinfo_not_allowed'
  | 'port_not_allowed'
  | 'host_not_allowed'

export type UrlVerdict =
  | { readonly allowed: true; readonly url: URL }
  | { readonly allowed: false; readonly reason: UrlProblem }

const LONGEST_URL = 2_048

const refuse = (reason: UrlProblem): UrlVerdict => ({ allowed: false, reason })

/**
 * A host that is a name is checked at each connection, by every address it resolves to. By hand:
 * `request-filtering-agent` 3.2 checks no URL. The hostile-URL suite holds this one (2026-11-30).
 */
export const validateUrl = (text: string, { allow, allowHttp }: WebhookRules): UrlVerdict => {
  // The URL parser drops tabs, line breaks and outer blanks: the stored text must be the read one.
  if (text.length > LONGEST_URL || /[\u0000-\u0020\u007f\\]/.test(text) || !URL.canParse(text))
    return refuse('invalid_url')
  const url = new URL(text)
  if (url.protocol !== 'https:' && !(allowHttp && url.protocol === 'http:')) return refuse('scheme_not_allowed')
  if (url.username !== '' || url.password !== '' || /^[a-z]+:\/*[^/?#]*@/i.test(text))
    return refuse('userinfo_not_allowed')
  // Without the brackets of IPv6.
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (host === '') return refuse('invalid_url')
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port)
  if (!isPortOpen(port, allow)) return refuse('port_not_allowed')
  if (!isHostAllowed(host, port, allow)) return refuse('host_not_allowed')
  return { allowed: true, url }
}

const isHostAllowed = (host: string, port: number, allow: readonly AllowEntry[]): boolean => {
  const address = isIP(host) !== 0 ? host : /^(.+\.)?localhost\.?$/.test(host) ? '127.0.0.1' : undefined
  return address === undefined || checkAddress(address, port, allow).allowed
}
