import type { Clock } from '#libs/runtime/clock.ts'
import type { Job } from './attempt-delivery.ts'

/** How a try went, as far as the pace of its endpoint is concerned: `slow` is a time-out, no connection, or a request to slow down. */
export type Pace = 'good' | 'bad' | 'slow'

/** One endpoint's share of this process. */
type EndpointSlots = {
  readonly queue: Job[]
  active: number
  /** Calls at once: grows by one with each success, shrinks with failures, so that a receiver that hangs holds next to nothing. */
  limit: number
  /** Earliest start of the next call: by the endpoint's own rate, or because it asked for a pause. */
  nextStartAt: number
  /** Most jobs held, by that rate. */
  most: number
  waiting: boolean
}

export type EndpointConcurrency = {
  readonly add: (jobs: readonly Job[]) => void
  /** Room left of each busy endpoint; those not named have `FIRST_ROOM`. */
  readonly room: () => Map<string, number>
  /** Jobs held, queued or under way. */
  readonly held: () => number
  /** No call to the endpoint is started before `until`. */
  readonly pause: (endpointId: string, until: number) => void
  /** Takes the jobs not yet started, of one endpoint or of all. */
  readonly empty: (endpointId?: string) => Job[]
  /** Resolves when no job is held. */
  readonly idle: () => Promise<void>
}

const FIRST_LIMIT = 16
/** Above this, the pace of an idle endpoint is forgotten. */
const KEPT_ENDPOINTS = 1_000
/** Claimed ahead, so that calls do not wait for the database. */
const AHEAD = 4
/** An endpoint with a rate of its own is given no more than it may call in this time, so that leases last. */
const RATE_AHEAD_S = 10
export const FIRST_ROOM = FIRST_LIMIT * AHEAD

type ConcurrencyDeps = {
  readonly clock: Clock
  readonly maxPerEndpoint: number
  /** Never rejects. */
  readonly run: (job: Job) => Promise<Pace>
  /** An endpoint has room again: a good moment to claim, if it has more. */
  readonly onRoom: (endpointId: string) => void
}

/** Runs jobs with a limit per endpoint, each endpoint on its own lane: a slow one never delays the others. */
export const createEndpointConcurrency = ({
  clock,
  maxPerEndpoint,
  run,
  onRoom,
}: ConcurrencyDeps): EndpointConcurrency => {
  const slotsByEndpoint = new Map<string, EndpointSlots>()
  let held = 0
  let onIdle: (() => void)[] = []

  const letGo = (jobs: number): void => {
    held -= jobs
    if (held > 0) return
    for (const resolve of onIdle) resolve()
    onIdle = []
  }

  const finish = (endpointId: string, slots: EndpointSlots, pace: Pace): void => {
    slots.active--
    letGo(1)
    if (pace === 'good') slots.limit = Math.min(maxPerEndpoint, slots.limit + 1)
    else slots.limit = Math.max(1, pace === 'slow' ? Math.floor(slots.limit / 2) : slots.limit - 1)
    fill(endpointId, slots)
    if (slots.queue.length <= slots.limit) onRoom(endpointId)
    if (slots.active === 0 && slots.queue.length === 0 && slotsByEndpoint.size > KEPT_ENDPOINTS)
      slotsByEndpoint.delete(endpointId)
  }

  const fill = (endpointId: string, slots: EndpointSlots): void => {
    while (slots.active < slots.limit && slots.queue.length > 0) {
      const now = clock.now()
      if (slots.nextStartAt > now) {
        wait(endpointId, slots, slots.nextStartAt - now)
        return
      }
      const job = slots.queue.shift()!
      // Its lease may not outlast the call: somebody will claim it again.
      if (now >= job.startBefore) {
        letGo(1)
        continue
      }
      const { maxPerSecond } = job.target
      if (maxPerSecond !== null) slots.nextStartAt = Math.max(now, slots.nextStartAt) + 1_000 / maxPerSecond
      slots.active++
      run(job).then((pace) => finish(endpointId, slots, pace))
    }
  }

  const wait = (endpointId: string, slots: EndpointSlots, delayMs: number): void => {
    if (slots.waiting) return
    slots.waiting = true
    clock.after(Math.ceil(delayMs), () => {
      slots.waiting = false
      fill(endpointId, slots)
    })
  }

  const slotsOf = (endpointId: string): EndpointSlots => {
    let slots = slotsByEndpoint.get(endpointId)
    if (!slots) {
      slots = {
        queue: [],
        active: 0,
        limit: Math.min(FIRST_LIMIT, maxPerEndpoint),
        nextStartAt: 0,
        most: Infinity,
        waiting: false,
      }
      slotsByEndpoint.set(endpointId, slots)
    }
    return slots
  }

  return {
    add: (jobs) => {
      const touched = new Map<string, EndpointSlots>()
      for (const job of jobs) {
        const { endpointId } = job.target
        const slots = slotsOf(endpointId)
        const { maxPerSecond } = job.target
        slots.most = maxPerSecond === null ? Infinity : Math.max(1, maxPerSecond * RATE_AHEAD_S)
        slots.queue.push(job)
        touched.set(endpointId, slots)
      }
      held += jobs.length
      for (const [endpointId, slots] of touched) fill(endpointId, slots)
    },
    room: () => {
      const roomOf = ({ limit, most, active, queue }: EndpointSlots): number =>
        Math.max(0, Math.min(limit * AHEAD, most) - active - queue.length)
      return new Map([...slotsByEndpoint].map(([endpointId, slots]) => [endpointId, roomOf(slots)]))
    },
    held: () => held,
    pause: (endpointId, until) => {
      const slots = slotsOf(endpointId)
      slots.nextStartAt = Math.max(slots.nextStartAt, until)
    },
    empty: (endpointId) => {
      const chosen = endpointId === undefined ? [...slotsByEndpoint.values()] : [slotsOf(endpointId)]
      const jobs = chosen.flatMap((slots) => slots.queue.splice(0))
      letGo(jobs.length)
      return jobs
    },
    idle: () =>
      new Promise((resolve) => {
        if (held === 0) resolve()
        else onIdle.push(resolve)
      }),
  }
}
