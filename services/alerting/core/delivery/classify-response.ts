import { HOUR_MS } from '#libs/runtime/durations.ts'
/** Why no answer came. Tenants see these words: none may reveal the network behind a name. */
export type SendFailure =
  | 'timeout'
  | 'connect_timeout'
  | 'name_not_resolved'
  | 'address_not_allowed'
  | 'url_not_allowed'
  | 'connection_failed'
  | 'tls_failed'
  | 'secret_unreadable'
  | 'url_unreadable'

const OWN_FAILURES: readonly string[] = ['secret_unreadable', 'url_unreadable'] satisfies SendFailure[]

/** Keys of this installation are missing: it says nothing about the endpoint, and disables none. */
export const isOwnFailure = (reason: string): boolean => OWN_FAILURES.includes(reason)

export type SendResult =
  | {
      readonly kind: 'answered'
      readonly status: number
      readonly retryAfter: string | undefined
      readonly answer: string
      readonly latencyMs: number
    }
  | { readonly kind: 'failed'; readonly reason: SendFailure; readonly latencyMs: number }

export type Verdict =
  | { readonly verdict: 'delivered' }
  | { readonly verdict: 'gone' }
  | { readonly verdict: 'throttled'; readonly reason: string; readonly pauseMs: number }
  | { readonly verdict: 'failed'; readonly reason: string; readonly retryAfterMs: number | null }

const SHORTEST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = HOUR_MS
const DEFAULT_PAUSE_MS = 2_000
const THROTTLES: readonly number[] = [429, 502, 504]

/** `Retry-After`, seconds or an HTTP date, as ms from `now`, 1 s to 1 h; null when unreadable. */
export const retryAfterMs = (header: string | undefined, now: number): number | null => {
  if (header === undefined) return null
  const text = header.trim()
  const delayMs = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now
  if (Number.isNaN(delayMs)) return null
  return Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, delayMs))
}

/** 2xx: delivered; 410: never again; 429, 502, 504: a pause; all others, redirects too: failed. */
export const classifyResponse = (result: SendResult, now: number): Verdict => {
  if (result.kind === 'failed') return { verdict: 'failed', reason: result.reason, retryAfterMs: null }
  const { status } = result
  if (status >= 200 && status < 300) return { verdict: 'delivered' }
  if (status === 410) return { verdict: 'gone' }
  const asked = retryAfterMs(result.retryAfter, now)
  const reason = status >= 300 && status < 400 ? `redirect_${status}` : `status_${status}`
  if (THROTTLES.includes(status)) return { verdict: 'throttled', reason, pauseMs: asked ?? DEFAULT_PAUSE_MS }
  return { verdict: 'failed', reason, retryAfterMs: asked }
}
