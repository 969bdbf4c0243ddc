import { LRUCache } from 'lru-cache'
import type { Sql } from '#libs/postgres/database.ts'
import { monotonicMs } from '#libs/runtime/clock.ts'
import { findTenantStates, type TenantState } from './tenant-store.ts'

/** Undefined: nobody made that tenant. */
export type TenantStates = (tenantIds: Iterable<string>) => Promise<ReadonlyMap<string, TenantState | undefined>>

/** Of tenants in memory; names that nobody made are among them. */
const MAX_KNOWN = 50_000

/**
 * Tenants by id, as the database had them less than `freshMs` ago: a suspension is in force within
 * a second, and a stream of events costs one look-up a second.
 */
export const createTenantStates = ({
  database,
  freshMs = 1_000,
}: {
  readonly database: Sql
  readonly freshMs?: number
}): TenantStates => {
  const known = new LRUCache<string, { readonly state: TenantState | undefined; readonly readAt: number }>({
    max: MAX_KNOWN,
  })
  return async (tenantIds) => {
    const now = monotonicMs()
    const states = new Map<string, TenantState | undefined>()
    const stale: string[] = []
    for (const id of tenantIds) {
      const found = known.get(id)
      if (found !== undefined && now - found.readAt < freshMs) states.set(id, found.state)
      else stale.push(id)
    }
    if (stale.length === 0) return states
    const found = await findTenantStates(database, stale)
    for (const id of stale) {
      const state = found.get(id)
      known.set(id, { state, readAt: now })
      states.set(id, state)
    }
    return states
  }
}
