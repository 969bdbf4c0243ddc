import { fairShare } from '../core/delivery/fair-share.ts'
import { createTally, type Tally } from '../core/delivery/tally.ts'

/** What calls go to: endpoints of any tenant may share a host. */
export type Callee = { readonly tenantId: string; readonly endpointId: string; readonly origin: string }

export type HostCalls = {
  /** Counts a call, unless the host or the tenant's share of it is full: then the callee waits. */
  readonly start: (callee: Callee) => boolean
  readonly end: (callee: Callee) => void
  /**
   * Takes an endpoint that waits for the host and may start a call; tenants take turns. To be asked
   * after each end until there is none.
   */
  readonly next: (origin: string) => string | undefined
}

type Host = {
  readonly active: Tally
  /** Endpoints by tenant; the tenant whose turn was last is at the end. */
  readonly waiting: Map<string, Set<string>>
}

/**
 * Calls at once to one host (origin), of all tenants together: many endpoints at one third party do
 * not flood it, and a tenant whose calls hang there leaves room to the others.
 */
export const createHostCalls = (maxPerHost: number): HostCalls => {
  const hosts = new Map<string, Host>()
  const hostOf = (origin: string): Host => {
    const host = hosts.get(origin) ?? { active: createTally(), waiting: new Map() }
    hosts.set(origin, host)
    return host
  }
  const isFree = ({ active }: Host, tenantId: string): boolean =>
    fairShare({ most: maxPerHost, used: active.total(), own: active.of(tenantId) }) > 0

  const wait = ({ waiting }: Host, { tenantId, endpointId }: Callee): void => {
    const endpoints = waiting.get(tenantId) ?? new Set()
    waiting.set(tenantId, endpoints.add(endpointId))
  }

  return {
    start: (callee) => {
      const host = hostOf(callee.origin)
      const free = isFree(host, callee.tenantId)
      if (free) host.active.add(callee.tenantId)
      else wait(host, callee)
      return free
    },
    end: ({ origin, tenantId }) => hostOf(origin).active.remove(tenantId),
    next: (origin) => {
      const host = hosts.get(origin)
      if (!host) return undefined
      const turn = [...host.waiting].find(([tenantId]) => isFree(host, tenantId))
      if (!turn) {
        if (host.active.total() === 0) hosts.delete(origin)
        return undefined
      }
      const [tenantId, endpoints] = turn
      const [endpointId] = endpoints
      endpoints.delete(endpointId!)
      host.waiting.delete(tenantId)
      if (endpoints.size > 0) host.waiting.set(tenantId, endpoints)
      return endpointId
    },
  }
}
