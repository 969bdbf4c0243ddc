import { setTimeout as pause } from 'node:timers/promises'
import type { Deployment } from './deployment.ts'

const ROUND_MS = 700
const SILENCE_MS = 1_000
/**
 * Long enough for an alert that was silenced to be told by a timer before it is over, even if a
 * process starts in between.
 */
const OVERRIDE_MS = 8_000

/**
 * People at work beside the story, on accounts of their own, so that overrides begin and end,
 * alerts are silenced and told later by a timer. What they ask for while a process is dead is asked
 * for again with the next account. The answer stops them.
 */
export const startPeople = ({ addresses, key }: Deployment): (() => Promise<void>) => {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  let stopping = false
  const ask = (method: string, url: string, body: object): Promise<unknown> =>
    fetch(url, { method, headers, body: JSON.stringify(body), signal: AbortSignal.timeout(5_000) })
      .then((answer) => answer.arrayBuffer())
      .catch(() => undefined)
  const later = (delayMs: number): string => new Date(Date.now() + delayMs).toISOString()

  const round = async (n: number): Promise<void> => {
    const [fresh, known] = [`people-${n}`, `people-${n - 2}`]
    const event = { id: `p-${n}`, type: 'Signed In', accountId: fresh, userId: 'u-1', occurredAt: later(0) }
    await ask('POST', `${addresses.ingest}/v1/events`, event)
    await ask('POST', `${addresses.alerting}/v1/silences`, { matcher: { accountId: known }, endsAt: later(SILENCE_MS) })
    const override = { score: 12, reason: 'a test', expiresAt: later(OVERRIDE_MS) }
    await ask('PUT', `${addresses.scoring}/v1/accounts/${known}/override`, override)
  }
  const running = (async () => {
    for (let n = 0; !stopping; n++) {
      await round(n)
      await pause(ROUND_MS)
    }
  })()
  return async () => {
    stopping = true
    await running
  }
}
