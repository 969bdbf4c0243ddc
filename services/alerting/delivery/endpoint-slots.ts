import type { Job } from './attempt-delivery.ts'

/** Pace of an endpoint by one attempt. `slow`: a time-out, no connection, or a request to wait. */
export type Pace = 'good' | 'bad' | 'slow'

/** One endpoint's share of this process. */
export type EndpointSlots = {
  readonly queue: Job[]
  /** Calls under way. */
  active: number
  /** Calls at once. */
  limit: number
  /** Earliest start of the next call: set by the endpoint's own rate and by pauses it asked for. */
  nextStartAt: number
  /** Jobs under way and queued, at most; follows from the endpoint's own rate. */
  maxJobs: number
  /** A timer will fill the slots at `nextStartAt`. */
  waiting: boolean
}

const FIRST_LIMIT = 4
/** Jobs claimed for each slot, so that calls do not wait for the database. */
const JOBS_PER_SLOT = 4
/** An endpoint with its own rate holds the jobs of this time at most, so that their leases last. */
const RATE_AHEAD_S = 10

/** Room of an endpoint without slots: it starts small, and grows with each success. */
export const FIRST_ROOM = FIRST_LIMIT

export const createSlots = (maxPerEndpoint: number): EndpointSlots => ({
  queue: [],
  active: 0,
  limit: Math.min(FIRST_LIMIT, maxPerEndpoint),
  nextStartAt: 0,
  maxJobs: Infinity,
  waiting: false,
})

export const enqueueJob = (slots: EndpointSlots, job: Job): void => {
  const { maxPerSecond } = job.target
  slots.maxJobs = maxPerSecond === null ? Infinity : Math.max(1, maxPerSecond * RATE_AHEAD_S)
  slots.queue.push(job)
}

export const roomOf = ({ limit, maxJobs, active, queue }: EndpointSlots): number =>
  Math.max(0, Math.min(limit * JOBS_PER_SLOT, maxJobs) - active - queue.length)

/** One slot more after a success, one less after a failure, half after a slow call; never none. */
export const limitAfter = (limit: number, pace: Pace, maxPerEndpoint: number): number => {
  if (pace === 'good') return Math.min(maxPerEndpoint, limit + 1)
  return Math.max(1, pace === 'slow' ? Math.floor(limit / 2) : limit - 1)
}
