import { HOUR_MS } from '#libs/runtime/durations.ts'
/** Why no answer came. The words are shown to tenants: none may say anything of the network behind the name. */
export type SendFailure =
  | 'timeout'
  | 'connect_timeout'
  | 'name_not_resolved'
  | 'address_not_allowed'
  | 'url_not_allowed'
  | 'connection_failed'
  | 'tls_failed'
  | 'secret_unreadable'

export type SendResult =
  | {
      readonly kind: 'answered'
      readonly status: number
      /** The header as it came. */
      readonly retryAfter: string | undefined
      /** First 1 KB of the answer. */
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

/** `Retry-After` as seconds or an HTTP date, in ms from `now`, within 1 s and 1 h; null when absent or unreadable. */
export const retryAfterMs = (header: string | undefined, now: number): number | null => {
  if (header === undefined) return null
  const text = header.trim()
  const delayMs = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now
  if (Number.isNaN(delayMs)) return null
  return Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, delayMs))
}

/** Only 2xx is success; a redirect is a failure like any other; 410 says never again; 429, 502 and 504 ask for a pause. */
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
