import { randomBytes } from 'node:crypto'
import { MENDED_WITHIN_MS, type Victim } from './victim.ts'

const ENDPOINTS = 20
const ACCOUNTS = 40
/** The watched tenant's webhooks come nearly as fast as ever. */
const UNDISTURBED_MS = 20_000

/** Webhooks of another tenant go to names whose server never answers. */
export const silentNameServer: Victim = {
  name: 'silent name server',
  modes: ['embedded', 'kafka'],
  lastsMs: 0,
  goesOnWithinMs: MENDED_WITHIN_MS,
  strike: async ({ addresses, key, goesOn }) => {
    const post = async <Body>(url: string, credential: string, body?: object): Promise<Body> => {
      const answer = await fetch(url, {
        method: 'POST',
        headers: { authorization: `Bearer ${credential}`, ...(body && { 'content-type': 'application/json' }) },
        ...(body && { body: JSON.stringify(body) }),
      })
      const text = await answer.text()
      if (!answer.ok) throw new Error(`POST ${url}: ${answer.status} ${text}`)
      return JSON.parse(text || '{}') as Body
    }
    const id = `noisy-${randomBytes(3).toString('hex')}`
    const tenants = `${addresses.scoring}/v1/tenants`
    const tenant = await post<{ key: string }>(tenants, key, { id, name: 'Noisy' })
    for (let i = 0; i < ENDPOINTS; i++)
      await post(`${addresses.alerting}/v1/webhook-endpoints`, tenant.key, {
        url: `https://hook-${i}.silent.test/`,
        eventTypes: ['health.changed', 'alert.firing'],
      })
    const events = Array.from({ length: ACCOUNTS }, (_, i) => ({
      id: `noise-${i}`,
      type: 'Payment Failed',
      accountId: `noise-${i}`,
      occurredAt: new Date().toISOString(),
    }))
    await post(`${addresses.ingest}/v1/events`, tenant.key, { events })
    return async () => {
      const wrong = await goesOn(UNDISTURBED_MS)
      await post(`${tenants}/${id}/suspend`, key)
      return wrong
    }
  },
}
