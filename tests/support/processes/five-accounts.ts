import { expect } from 'vitest'
import { newId } from '#libs/runtime/ids.ts'

export const FIVE_ACCOUNTS = ['acme', 'bolt', 'core', 'dune', 'echo']
type Page = { readonly items?: readonly { readonly id: string }[] }

/** Sends events of five accounts to running processes, and asks what counts. */
export const fiveAccounts = (addresses: { readonly ingest: string; readonly scoring: string }, key: string) => {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const get = async <Body>(path: string): Promise<Body> =>
    (await (await fetch(`${addresses.scoring}${path}`, { headers })).json()) as Body
  const post = (url: string, body: object) => fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  return {
    post,
    /** Answers their ids, each accepted. */
    send: async (count: number, type = 'Feature Used'): Promise<readonly string[]> => {
      const ids = Array.from({ length: count }, () => newId())
      const occurredAt = new Date().toISOString()
      const events = ids.map((id, i) => ({
        id,
        type,
        accountId: FIVE_ACCOUNTS[i % FIVE_ACCOUNTS.length],
        userId: `u-${id}`,
        occurredAt,
      }))
      expect((await post(`${addresses.ingest}/v1/events`, { events })).status).toBe(202)
      return ids
    },
    /** The ids of all events that count, each as often as it is listed; none while a page fails. */
    counted: async (): Promise<readonly string[]> => {
      const pages = await Promise.all(FIVE_ACCOUNTS.map((id) => get<Page>(`/v1/accounts/${id}/events?limit=500`)))
      return pages.flatMap(({ items = [] }) => items.map(({ id }) => id)).sort()
    },
    sequences: (): Promise<readonly number[]> =>
      Promise.all(
        FIVE_ACCOUNTS.map(async (id) => (await get<{ sequence: number }>(`/v1/accounts/${id}/health`)).sequence),
      ),
  }
}
