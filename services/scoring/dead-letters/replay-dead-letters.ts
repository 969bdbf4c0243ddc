import { recordAudit } from '#libs/access/audit-store.ts'
import type { Principal } from '#libs/access/keyring.ts'
import type { Bus } from '#libs/bus/bus.ts'
import type { Database } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import { newId } from '#libs/runtime/ids.ts'
import {
  claimDeadLetters,
  type DeadLetter,
  type DeadLetterFilter,
  markReplayed,
  releaseClaim,
} from './dead-letter-store.ts'

/** Outlasts a publish. */
const CLAIM_MS = 60_000
const AT_ONCE = 200
/** The rest stays waiting: the caller asks again. */
const BUDGET_MS = 20_000

type Filter = DeadLetterFilter & { readonly id?: string }
type Replay = { readonly token: string; readonly filter: Filter }

export type ReplayDeadLetters = (principal: Principal, filter: Filter) => Promise<number>

/**
 * Publishes waiting letters on their topics again, with their key, bytes and headers: they go the
 * way of any record, and what was counted before counts once. Answers how many. Published before
 * marked: a process that dies in between leaves letters that are replayed again, which is harmless.
 * Letters whose publish failed are free for the next replay at once.
 */
export const createReplayDeadLetters = (deps: {
  readonly database: Database
  readonly bus: Bus
  readonly clock: Clock
}): ReplayDeadLetters => {
  const { database, bus, clock } = deps

  const mark = (principal: Principal, letters: readonly DeadLetter[], replay: Replay): Promise<number> =>
    database.transaction(async (tx) => {
      const ids = letters.map(({ id }) => id)
      const marked = await markReplayed(tx, replay.token, ids)
      if (marked === 0) return 0
      const detail = { letters: marked, topic: letters[0]!.topic, reason: replay.filter.reason ?? null }
      const subject = replay.filter.id ?? `${marked} letters`
      await recordAudit(tx, principal, { action: 'dead_letter.replayed', subject, detail })
      return marked
    })

  /** Each topic by itself: what is published is marked, whatever becomes of the next. */
  const publish = async (principal: Principal, letters: readonly DeadLetter[], replay: Replay): Promise<number> => {
    let replayed = 0
    for (const [topic, group] of Map.groupBy(letters, (letter) => letter.topic)) {
      await bus.publish(
        topic,
        group.map(({ key, value, headers }) => ({ key, value, headers })),
      )
      await failpoint('scoring.replay.published')
      replayed += await mark(principal, group, replay)
    }
    return replayed
  }

  return async (principal, filter) => {
    const startedAt = clock.now()
    const until = startedAt + BUDGET_MS
    // What still cannot be read comes back as a letter of its own: it is not replayed again.
    const known = { ...filter, to: Math.min(filter.to ?? startedAt, startedAt) }
    let replayed = 0
    while (clock.now() < until) {
      const token = newId()
      const letters = await claimDeadLetters(database, known, { token, leaseMs: CLAIM_MS, limit: AT_ONCE })
      if (letters.length === 0) break
      try {
        replayed += await publish(principal, letters, { token, filter })
      } catch (error) {
        // Without the database the claim ends by itself.
        await releaseClaim(database, token).catch(() => {})
        throw error
      }
    }
    return replayed
  }
}
