import type { Clock } from '#libs/runtime/clock.ts'
import type { Job } from './attempt-delivery.ts'

/** How a try went, as far as the pace of its endpoint is concerned: `slow` is a time-out, no connection, or a request to slow down. */
export type Pace = 'good' | 'bad' | 'slow'

/** One endpoint's share of this process. */
type Lane = {
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

export type Lanes = {
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
const KEPT_LANES = 1_000
/** Claimed ahead, so that calls do not wait for the database. */
const AHEAD = 4
/** An endpoint with a rate of its own is given no more than it may call in this time, so that leases last. */
const RATE_AHEAD_S = 10
export const FIRST_ROOM = FIRST_LIMIT * AHEAD

type LaneDeps = {
  readonly clock: Clock
  readonly maxPerEndpoint: number
  /** Never rejects. */
  readonly run: (job: Job) => Promise<Pace>
  /** An endpoint has room again: a good moment to claim, if it has more. */
  readonly onRoom: (endpointId: string) => void
}

/** Runs jobs with a limit per endpoint, each endpoint on its own lane: a slow one never delays the others. */
export const createLanes = ({ clock, maxPerEndpoint, run, onRoom }: LaneDeps): Lanes => {
  const lanes = new Map<string, Lane>()
  let held = 0
  let onIdle: (() => void)[] = []

  const letGo = (jobs: number): void => {
    held -= jobs
    if (held > 0) return
    for (const resolve of onIdle) resolve()
    onIdle = []
  }

  const finish = (endpointId: string, lane: Lane, pace: Pace): void => {
    lane.active--
    letGo(1)
    if (pace === 'good') lane.limit = Math.min(maxPerEndpoint, lane.limit + 1)
    else lane.limit = Math.max(1, pace === 'slow' ? Math.floor(lane.limit / 2) : lane.limit - 1)
    fill(endpointId, lane)
    if (lane.queue.length <= lane.limit) onRoom(endpointId)
    if (lane.active === 0 && lane.queue.length === 0 && lanes.size > KEPT_LANES) lanes.delete(endpointId)
  }

  const fill = (endpointId: string, lane: Lane): void => {
    while (lane.active < lane.limit && lane.queue.length > 0) {
      const now = clock.now()
      if (lane.nextStartAt > now) {
        wait(endpointId, lane, lane.nextStartAt - now)
        return
      }
      const job = lane.queue.shift()!
      // Its lease may not outlast the call: somebody will claim it again.
      if (now >= job.startBefore) {
        letGo(1)
        continue
      }
      const { maxPerSecond } = job.target
      if (maxPerSecond !== null) lane.nextStartAt = Math.max(now, lane.nextStartAt) + 1_000 / maxPerSecond
      lane.active++
      run(job).then((pace) => finish(endpointId, lane, pace))
    }
  }

  const wait = (endpointId: string, lane: Lane, delayMs: number): void => {
    if (lane.waiting) return
    lane.waiting = true
    clock.after(Math.ceil(delayMs), () => {
      lane.waiting = false
      fill(endpointId, lane)
    })
  }

  const laneOf = (endpointId: string): Lane => {
    let lane = lanes.get(endpointId)
    if (!lane) {
      lane = {
        queue: [],
        active: 0,
        limit: Math.min(FIRST_LIMIT, maxPerEndpoint),
        nextStartAt: 0,
        most: Infinity,
        waiting: false,
      }
      lanes.set(endpointId, lane)
    }
    return lane
  }

  return {
    add: (jobs) => {
      const touched = new Map<string, Lane>()
      for (const job of jobs) {
        const { endpointId } = job.target
        const lane = laneOf(endpointId)
        const { maxPerSecond } = job.target
        lane.most = maxPerSecond === null ? Infinity : Math.max(1, maxPerSecond * RATE_AHEAD_S)
        lane.queue.push(job)
        touched.set(endpointId, lane)
      }
      held += jobs.length
      for (const [endpointId, lane] of touched) fill(endpointId, lane)
    },
    room: () => {
      const roomOf = ({ limit, most, active, queue }: Lane): number =>
        Math.max(0, Math.min(limit * AHEAD, most) - active - queue.length)
      return new Map([...lanes].map(([endpointId, lane]) => [endpointId, roomOf(lane)]))
    },
    held: () => held,
    pause: (endpointId, until) => {
      const lane = laneOf(endpointId)
      lane.nextStartAt = Math.max(lane.nextStartAt, until)
    },
    empty: (endpointId) => {
      const chosen = endpointId === undefined ? [...lanes.values()] : [laneOf(endpointId)]
      const jobs = chosen.flatMap((lane) => lane.queue.splice(0))
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
