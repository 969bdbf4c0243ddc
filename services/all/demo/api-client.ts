import { type Clock, sleep } from '#libs/runtime/clock.ts'

export type ApiClient = {
  /** Posts JSON and answers the body. Retries after 429 and 503; throws on other errors. */
  readonly post: (path: string, body: object) => Promise<Record<string, unknown>>
}

const PAUSE_MS = 1_000

export const createApiClient = (options: {
  readonly address: string
  readonly key: string
  readonly clock: Clock
  readonly signal: AbortSignal
}): ApiClient => {
  const { address, key, clock, signal } = options
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  return {
    post: async (path, body) => {
      for (;;) {
        const answer = await fetch(address + path, { method: 'POST', headers, body: JSON.stringify(body), signal })
        const text = await answer.text()
        if (answer.ok) return JSON.parse(text)
        if (answer.status !== 429 && answer.status !== 503)
          throw new Error(`${path} answered ${answer.status}: ${text}`)
        await sleep(clock, Number(answer.headers.get('retry-after') ?? 0) * 1_000 || PAUSE_MS, signal)
      }
    },
  }
}
