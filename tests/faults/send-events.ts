import { setTimeout as pause } from 'node:timers/promises'
import { createRandom, type StoryEvent, shuffled } from './story.ts'

export type Sender = {
  /**
   * Sends each event one to three times in any order, the same ids again after any fault, until
   * each was acknowledged.
   */
  readonly send: (events: readonly StoryEvent[]) => Promise<void>
  /** What was answered `accepted` or `duplicate`: `source/id` by account. */
  readonly acknowledged: ReadonlyMap<string, ReadonlySet<string>>
  readonly counts: { requests: number; retried: number; refused: string[] }
}

const BATCH = 100
const SENDERS = 4
/** A day would not be enough for a fault that lasts; this ends a run that cannot go on. */
const GIVE_UP_MS = 600_000

type Result = { readonly index: number; readonly status: string }

/** `waitFor(share)` holds the sender back, so that faults come while there is work under way. */
export const createSender = (options: {
  readonly url: string
  readonly key: string
  readonly seed: number
  readonly waitFor: (shareSent: number) => Promise<void>
}): Sender => {
  const { url, key } = options
  const random = createRandom(options.seed)
  const acknowledged = new Map<string, Set<string>>()
  const counts = { requests: 0, retried: 0, refused: [] as string[] }

  const post = async (events: readonly StoryEvent[]): Promise<readonly Result[] | 'again'> => {
    counts.requests++
    try {
      const answer = await fetch(`${url}/v1/events`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ events }),
        signal: AbortSignal.timeout(30_000),
      })
      if (answer.status >= 500 || answer.status === 429) {
        await answer.arrayBuffer()
        return 'again'
      }
      return ((await answer.json()) as { results: Result[] }).results
    } catch {
      return 'again'
    }
  }

  const deliver = async (events: readonly StoryEvent[]): Promise<void> => {
    const giveUpAt = performance.now() + GIVE_UP_MS
    for (;;) {
      const results = await post(events)
      if (results !== 'again') return note(events, results)
      if (performance.now() > giveUpAt) throw new Error('ingest did not take a batch for ten minutes')
      counts.retried++
      await pause(50 + random() * 200)
    }
  }

  const note = (events: readonly StoryEvent[], results: readonly Result[]): void => {
    for (const { index, status } of results) {
      const { accountId, source, id } = events[index]!
      if (status !== 'accepted' && status !== 'duplicate') {
        counts.refused.push(`${source}/${id}: ${status}`)
        continue
      }
      const known = acknowledged.get(accountId) ?? new Set()
      acknowledged.set(accountId, known.add(`${source}/${id}`))
    }
  }

  return {
    acknowledged,
    counts,
    send: async (events) => {
      const copies = shuffled(
        events.flatMap((event) => Array.from({ length: 1 + Math.floor(random() * 3) }, () => event)),
        random,
      )
      let next = 0
      const sender = async (): Promise<void> => {
        while (next < copies.length) {
          const from = next
          next += BATCH
          await options.waitFor(from / copies.length)
          await deliver(copies.slice(from, from + BATCH))
        }
      }
      await Promise.all(Array.from({ length: SENDERS }, sender))
    },
  }
}
