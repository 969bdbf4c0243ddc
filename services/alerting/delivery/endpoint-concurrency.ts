import type { Clock } from '#libs/runtime/clock.ts'
import { createTally } from '../core/delivery/tally.ts'
import type { Job } from './attempt-delivery.ts'
import { createSlots, type EndpointSlots, enqueueJob, limitAfter, type Pace, roomOf } from './endpoint-slots.ts'
import { createHostCalls } from './host-calls.ts'

export type EndpointConcurrency = {
  readonly add: (jobs: readonly Job[]) => void
  /** Jobs each endpoint with slots may still be given; the others may be given `FIRST_ROOM`. */
  readonly room: () => Map<string, number>
  /** Jobs queued or under way: of all endpoints, by tenant, by host. */
  readonly pending: () => number
  readonly pendingByTenant: () => ReadonlyMap<string, number>
  readonly pendingByHost: () => ReadonlyMap<string, number>
  /** No call to the endpoint starts before `until`. */
  readonly pause: (endpointId: string, until: number) => void
  /** Takes the queued jobs of one endpoint, or of all. */
  readonly empty: (endpointId?: string) => Job[]
  /** Resolves when no job is pending. */
  readonly idle: () => Promise<void>
}

type ConcurrencyDeps = {
  readonly clock: Clock
  readonly maxPerEndpoint: number
  /** Calls at once to one host, of all tenants; a tenant may have half of them. */
  readonly maxPerHost?: number
  /** Never rejects. */
  readonly run: (job: Job) => Promise<Pace>
  /** Called when the queue of an endpoint is short: a good moment to claim more. */
  readonly onRoom: (endpointId: string) => void
}

/** Above this number, the slots of an endpoint without jobs are forgotten. */
const MAX_ENDPOINTS = 1_000

/**
 * Runs jobs in slots of their own endpoint: a slow endpoint never delays another. Endpoints at one
 * host share its calls.
 */
export const createEndpointConcurrency = ({
  clock,
  maxPerEndpoint,
  maxPerHost = 2 * maxPerEndpoint,
  run,
  onRoom,
}: ConcurrencyDeps): EndpointConcurrency => {
  const slotsByEndpoint = new Map<string, EndpointSlots>()
  const hostCalls = createHostCalls(maxPerHost)
  const byTenant = createTally()
  const byHost = createTally()
  let onIdle: (() => void)[] = []

  const remove = (jobs: readonly Job[]): void => {
    for (const { target } of jobs) {
      byTenant.remove(target.tenantId)
      byHost.remove(target.origin)
    }
    if (byTenant.total() > 0) return
    for (const resolve of onIdle) resolve()
    onIdle = []
  }

  const finish = (job: Job, slots: EndpointSlots, pace: Pace): void => {
    const { endpointId, origin } = job.target
    slots.active--
    remove([job])
    hostCalls.end(job.target)
    slots.limit = limitAfter(slots.limit, pace, maxPerEndpoint)
    // Those that wait for the host come before this endpoint's next job.
    for (let next = hostCalls.next(origin); next !== undefined; next = hostCalls.next(origin)) fill(next, slotsOf(next))
    fill(endpointId, slots)
    if (slots.queue.length <= slots.limit) onRoom(endpointId)
    if (slots.active === 0 && slots.queue.length === 0 && slotsByEndpoint.size > MAX_ENDPOINTS)
      slotsByEndpoint.delete(endpointId)
  }

  const fill = (endpointId: string, slots: EndpointSlots): void => {
    while (slots.active < slots.limit && slots.queue.length > 0) {
      const now = clock.now()
      if (slots.nextStartAt > now) {
        fillLater(endpointId, slots, slots.nextStartAt - now)
        return
      }
      const job = slots.queue[0]!
      const expired = now >= job.startBefore
      if (!expired && !hostCalls.start(job.target)) return
      slots.queue.shift()
      // The lease could end before the call does: the delivery will be claimed again.
      if (expired) {
        remove([job])
        continue
      }
      const { maxPerSecond } = job.target
      if (maxPerSecond !== null) slots.nextStartAt = Math.max(now, slots.nextStartAt) + 1_000 / maxPerSecond
      slots.active++
      run(job).then((pace) => finish(job, slots, pace))
    }
  }

  const fillLater = (endpointId: string, slots: EndpointSlots, delayMs: number): void => {
    if (slots.waiting) return
    slots.waiting = true
    clock.after(Math.ceil(delayMs), () => {
      slots.waiting = false
      fill(endpointId, slots)
    })
  }

  const slotsOf = (endpointId: string): EndpointSlots => {
    const slots = slotsByEndpoint.get(endpointId) ?? createSlots(maxPerEndpoint)
    slotsByEndpoint.set(endpointId, slots)
    return slots
  }

  return {
    add: (jobs) => {
      for (const job of jobs) {
        byTenant.add(job.target.tenantId)
        byHost.add(job.target.origin)
        enqueueJob(slotsOf(job.target.endpointId), job)
      }
      for (const endpointId of new Set(jobs.map((job) => job.target.endpointId))) fill(endpointId, slotsOf(endpointId))
    },
    room: () => new Map([...slotsByEndpoint].map(([endpointId, slots]) => [endpointId, roomOf(slots)])),
    pending: byTenant.total,
    pendingByTenant: byTenant.counts,
    pendingByHost: byHost.counts,
    pause: (endpointId, until) => {
      const slots = slotsOf(endpointId)
      slots.nextStartAt = Math.max(slots.nextStartAt, until)
    },
    empty: (endpointId) => {
      const chosen = endpointId === undefined ? [...slotsByEndpoint.values()] : [slotsOf(endpointId)]
      const jobs = chosen.flatMap((slots) => slots.queue.splice(0))
      remove(jobs)
      return jobs
    },
    idle: () =>
      new Promise((resolve) => {
        if (byTenant.total() === 0) resolve()
        else onIdle.push(resolve)
      }),
  }
}
