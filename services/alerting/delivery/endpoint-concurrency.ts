import type { Clock } from '#libs/runtime/clock.ts'
import type { Job } from './attempt-delivery.ts'
import { createSlots, type EndpointSlots, enqueueJob, limitAfter, type Pace, roomOf } from './endpoint-slots.ts'

export type EndpointConcurrency = {
  readonly add: (jobs: readonly Job[]) => void
  /** Jobs each endpoint with slots may still be given; the others may be given `FIRST_ROOM`. */
  readonly room: () => Map<string, number>
  /** Jobs queued or under way, of all endpoints. */
  readonly pending: () => number
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
  /** Never rejects. */
  readonly run: (job: Job) => Promise<Pace>
  /** Called when the queue of an endpoint is short: a good moment to claim more. */
  readonly onRoom: (endpointId: string) => void
}

/** Above this number, the slots of an endpoint without jobs are forgotten. */
const MAX_ENDPOINTS = 1_000

/** Runs jobs in slots of their own endpoint: a slow endpoint never delays another. */
export const createEndpointConcurrency = ({
  clock,
  maxPerEndpoint,
  run,
  onRoom,
}: ConcurrencyDeps): EndpointConcurrency => {
  const slotsByEndpoint = new Map<string, EndpointSlots>()
  let pending = 0
  let onIdle: (() => void)[] = []

  const remove = (jobs: number): void => {
    pending -= jobs
    if (pending > 0) return
    for (const resolve of onIdle) resolve()
    onIdle = []
  }

  const finish = (endpointId: string, slots: EndpointSlots, pace: Pace): void => {
    slots.active--
    remove(1)
    slots.limit = limitAfter(slots.limit, pace, maxPerEndpoint)
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
      const job = slots.queue.shift()!
      // The lease could end before the call does: the delivery will be claimed again.
      if (now >= job.startBefore) {
        remove(1)
        continue
      }
      const { maxPerSecond } = job.target
      if (maxPerSecond !== null) slots.nextStartAt = Math.max(now, slots.nextStartAt) + 1_000 / maxPerSecond
      slots.active++
      run(job).then((pace) => finish(endpointId, slots, pace))
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
      pending += jobs.length
      for (const job of jobs) enqueueJob(slotsOf(job.target.endpointId), job)
      for (const endpointId of new Set(jobs.map((job) => job.target.endpointId))) fill(endpointId, slotsOf(endpointId))
    },
    room: () => new Map([...slotsByEndpoint].map(([endpointId, slots]) => [endpointId, roomOf(slots)])),
    pending: () => pending,
    pause: (endpointId, until) => {
      const slots = slotsOf(endpointId)
      slots.nextStartAt = Math.max(slots.nextStartAt, until)
    },
    empty: (endpointId) => {
      const chosen = endpointId === undefined ? [...slotsByEndpoint.values()] : [slotsOf(endpointId)]
      const jobs = chosen.flatMap((slots) => slots.queue.splice(0))
      remove(jobs.length)
      return jobs
    },
    idle: () =>
      new Promise((resolve) => {
        if (pending === 0) resolve()
        else onIdle.push(resolve)
      }),
  }
}
