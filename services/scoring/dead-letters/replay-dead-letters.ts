import { recordAudit } from '#libs/access/audit-store.ts'
import type { Principal } from '#libs/access/keyring.ts'
import type { Bus } from '#libs/bus/bus.ts'
import type { Database } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import { newId } from '#libs/runtime/ids.ts'
import { claimDeadLetters, type DeadLetter, type DeadLetterFilter, markReplayed } from './dead-letter-store.ts'

/** Outlasts a publish. */
const CLAIM_MS = 60_000
const AT_ONCE = 200
/** The rest stays waiting: the caller asks again. */
const BUDGET_MS = 20_000

export type ReplayDeadLetters = (
  principal: Principal,
  filter: DeadLetterFilter & { readonly id?: string },
) => Promise<number>

/**
 * Publishes waiting letters on their topics again, with their key, bytes and headers: they go the
 * way of any record, and what was counted before counts once. Answers how many. Published before
 * marked: a process that dies in between leaves letters that are replayed again, which is harmless.
 */
export const createReplayDeadLetters = (deps: {
  readonly database: Database
  readonly bus: Bus
  readonly clock: Clock
}): ReplayDeadLetters => {
  const { database, bus, clock } = deps

  const publish = async (letters: readonly DeadLetter[]): Promise<void> => {
    for (const [topic, group] of Map.groupBy(letters, (letter) => letter.topic))
      await bus.publish(
        topic,
        group.map(({ key, value, headers }) => ({ key, value, headers })),
      )
  }

  return async (principal, filter) => {
    const startedAt = clock.now()
    const until = startedAt + BUDGET_MS
    // What still cannot be read comes back as a letter of its own: it is not replayed again.
    const known = { ...filter, to: Math.min(filter.to ?? startedAt, startedAt) }
    let replayed = 0
    while (clock.now() < until) {
      const claim = { token: newId(), leaseMs: CLAIM_MS, limit: AT_ONCE }
      const letters = await claimDeadLetters(database, known, claim)
      if (letters.length === 0) break
      await publish(letters)
      failpoint('scoring.replay.published')
      await database.transaction(async (tx) => {
        const ids = letters.map(({ id }) => id)
        await markReplayed(tx, ids)
        const [first] = letters
        const detail = { letters: ids.length, topic: first!.topic, reason: filter.reason ?? null }
        const subject = filter.id ?? `${ids.length} letters`
        await recordAudit(tx, principal, { action: 'dead_letter.replayed', subject, detail })
      })
      replayed += letters.length
    }
    return replayed
  }
}
