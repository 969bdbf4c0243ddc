import type { Database } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import { newId } from '#libs/runtime/ids.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import { type Repeating, repeat } from '#libs/runtime/repeat.ts'
import type { Job } from './attempt-delivery.ts'
import { type ClaimedDelivery, claimDeliveries, targetsOf } from './claim-store.ts'
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
    const limit = Math.min(maxInFlight - concurrency.pending(), MAX_UNSAVED - unsaved())
    if (limit <= 0) return
    const token = newId()
    const now = clock.now()
    const room = concurrency.room()
    failpoint('alerting.claim.before')
    const request = { token, now, leaseMs: LEASE_MS, room, defaultRoom: FIRST_ROOM, limit }
    const claimed = await claimDeliveries(database, request)
    // Nothing is due for the endpoints with room: the others wait for the poll.
    if (claimed.length === 0) return void withMore.clear()
    failpoint('alerting.claim.after')
    concurrency.add(await toJobs(database, claimed, { token, now }))
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

/** Leaves a delivery out whose endpoint was disabled since the claim: retention ends it. */
const toJobs = async (
  database: Database,
  claimed: readonly ClaimedDelivery[],
  { token, now }: { readonly token: string; readonly now: number },
): Promise<readonly Job[]> => {
  const targets = await targetsOf(database, [...new Set(claimed.map(({ endpointId }) => endpointId))], now)
  const targetById = new Map(targets.map((target) => [target.endpointId, target]))
  return claimed.flatMap((delivery) => {
    const target = targetById.get(delivery.endpointId)
    return target ? [{ delivery, target, token, startBefore: now + START_WITHIN_MS }] : []
  })
}

const fullEndpoints = (claimed: readonly ClaimedDelivery[], room: ReadonlyMap<string, number>): readonly string[] => {
  const left = new Map(room)
  for (const { endpointId } of claimed) left.set(endpointId, (left.get(endpointId) ?? FIRST_ROOM) - 1)
  return [...left].filter(([, count]) => count <= 0).map(([endpointId]) => endpointId)
}
