import type { Database } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import { newId } from '#libs/runtime/ids.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import { type Repeating, repeat } from '#libs/runtime/repeat.ts'
import { claimShares } from '../core/delivery/fair-share.ts'
import type { Job } from './attempt-delivery.ts'
import { type ClaimedDelivery, claimDeliveries, releaseClaims, type Shares, targetsOf } from './claim-store.ts'
import type { EndpointConcurrency } from './endpoint-concurrency.ts'
import { FIRST_ROOM } from './endpoint-slots.ts'

export type ClaimLoop = Repeating & {
  /** Wakes the loop if this endpoint, or any endpoint, had more deliveries due than room. */
  readonly wakeForMore: (endpointId?: string) => void
}

type ClaimLoopDeps = {
  readonly database: Database
  readonly clock: Clock
  readonly logger: Logger
  readonly concurrency: EndpointConcurrency
  readonly unsaved: () => number
  readonly maxInFlight: number
}

/** A lease outlasts the wait for a slot, the longest call (15 s) and the saving of its outcome. */
export const LEASE_MS = 40_000
const START_WITHIN_MS = 20_000
const POLL_MS = 1_000
const MAX_UNSAVED = 2_000

/** Claims due deliveries for the slots of their endpoints, when woken and each second. */
export const createClaimLoop = (deps: ClaimLoopDeps): ClaimLoop => {
  const { database, clock, logger, concurrency, unsaved, maxInFlight } = deps
  const withMore = new Set<string>()

  const claim = async (): Promise<undefined> => {
    const { limit: free, of } = claimShares(maxInFlight, concurrency.pending())
    const limit = Math.min(free, MAX_UNSAVED - unsaved())
    if (limit <= 0) return
    const token = newId()
    const now = clock.now()
    const room = concurrency.room()
    const tenants = { of: sharesOf(concurrency.pendingByTenant(), of), others: of(0) }
    const hosts = { of: sharesOf(concurrency.pendingByHost(), of), others: of(0) }
    failpoint('alerting.claim.before')
    const request = { token, now, leaseMs: LEASE_MS, room, defaultRoom: FIRST_ROOM, tenants, hosts, limit }
    const claimed = await claimDeliveries(database, request)
    // Nothing is due for the endpoints with room: the others wait for the poll.
    if (claimed.length === 0) return void withMore.clear()
    failpoint('alerting.claim.after')
    const { within, beyond } = splitByHost(await toJobs(database, claimed, { token, now }), hosts)
    concurrency.add(within)
    if (beyond.length > 0) await releaseClaims(database, beyond, logger)
    if (claimed.length < limit) withMore.clear()
    for (const endpointId of fullEndpoints(claimed, room)) withMore.add(endpointId)
  }

  const loop = repeat({ clock, logger, everyMs: POLL_MS, failure: 'deliveries not claimed' }, claim)
  return {
    ...loop,
    wakeForMore: (endpointId) => {
      if (endpointId === undefined ? withMore.size > 0 : withMore.has(endpointId)) loop.wake()
    },
  }
}

const sharesOf = (pending: ReadonlyMap<string, number>, share: (own: number) => number): Map<string, number> =>
  new Map([...pending].map(([name, own]) => [name, Math.max(0, share(own))]))

/** A claim bounds tenants, and hosts only as far as they were full before it. */
const splitByHost = (jobs: readonly Job[], { of, others }: Shares): { within: Job[]; beyond: Job[] } => {
  const left = new Map(of)
  const within: Job[] = []
  const beyond: Job[] = []
  for (const job of jobs) {
    const free = left.get(job.target.origin) ?? others
    left.set(job.target.origin, free - 1)
    if (free > 0) within.push(job)
    else beyond.push(job)
  }
  return { within, beyond }
}

/**
 * Leaves a delivery out whose endpoint was disabled since the claim: retention ends it. One whose
 * endpoint has a new URL since, unverified, waits.
 */
const toJobs = async (
  database: Database,
  claimed: readonly ClaimedDelivery[],
  { token, now }: { readonly token: string; readonly now: number },
): Promise<readonly Job[]> => {
  const targets = await targetsOf(database, [...new Set(claimed.map(({ endpointId }) => endpointId))], now)
  const targetById = new Map(targets.map((target) => [target.endpointId, target]))
  return claimed.flatMap((delivery) => {
    const target = targetById.get(delivery.endpointId)
    return target && (target.verified || delivery.type === 'webhook.test')
      ? [{ delivery, target, token, startBefore: now + START_WITHIN_MS }]
      : []
  })
}

const fullEndpoints = (claimed: readonly ClaimedDelivery[], room: ReadonlyMap<string, number>): readonly string[] => {
  const left = new Map(room)
  for (const { endpointId } of claimed) left.set(endpointId, (left.get(endpointId) ?? FIRST_ROOM) - 1)
  return [...left].filter(([, count]) => count <= 0).map(([endpointId]) => endpointId)
}
