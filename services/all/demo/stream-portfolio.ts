import { type Clock, sleep } from '#libs/runtime/clock.ts'
import type { ApiClient } from './api-client.ts'
import { type DemoEvent, historyOf } from './history.ts'
import { eventsOfIncident, everydayEvents, INCIDENTS } from './live-story.ts'
import type { DemoAccount } from './portfolio.ts'
import { createRandom } from './random.ts'

const PER_REQUEST = 500
const TICK_MS = 500
const TICKS_PER_INCIDENT = 12
/** After the story, everyday work goes on at this pace until the demo is stopped. */
const QUIET_TICK_MS = 5_000

export type StreamOptions = {
  readonly accounts: readonly DemoAccount[]
  readonly client: ApiClient
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly write: (line: string) => void
  /** Prefix of event ids, so that a second run on the same data does not send duplicates. */
  readonly runId: string
}

/** Sends the portfolio's past as a backfill, which builds scores and alerts nobody. */
export const sendHistory = async ({ accounts, client, clock, write, runId }: StreamOptions): Promise<void> => {
  const nowMs = clock.now()
  const events = accounts.flatMap((account, index) => historyOf(account, index, nowMs))
  const own = events.map((event): DemoEvent => ({ ...event, id: `${runId}-${event.id}` }))
  for (let from = 0; from < own.length; from += PER_REQUEST)
    await client.post('/v1/events', { events: own.slice(from, from + PER_REQUEST) })
  write(`sent ${own.length} events of the last eight weeks of ${accounts.length} accounts`)
}

/** Sends everyday work and, one after another, the incidents, until `signal` aborts. */
export const streamLive = async (options: StreamOptions): Promise<void> => {
  const { accounts, client, clock, signal, write, runId } = options
  const random = createRandom(42)
  const waiting = [...INCIDENTS]
  const busy = accounts.filter(({ character }) => character === 'thriving')
  for (let tick = 0; !signal.aborted; tick++) {
    const nowMs = clock.now()
    const events = everydayEvents(busy, random, `${runId}-live-${tick}`, nowMs)
    const incident = tick % TICKS_PER_INCIDENT === 0 ? waiting.shift() : undefined
    if (incident) {
      write(`         story: ${incident.story}`)
      events.push(...eventsOfIncident(incident, `${runId}-incident-${tick}`, nowMs))
    }
    await client.post('/v1/events', { events })
    await sleep(clock, waiting.length > 0 ? TICK_MS : QUIET_TICK_MS, signal)
  }
}
