import type { Account } from './account.ts'
import type { Refolded } from './adopt-model.ts'
import { finish, type LogEntry, NO_IDS, stepOf } from './apply-events.ts'
import type { ScoringContext } from './evaluate-account.ts'

/**
 * Takes out an erased user in one change, `erasure`, so that readers learn the remaining traits.
 * Nothing is sent because of it. Changes by time must have been counted before.
 */
export const applyErasure = (account: Account, refolded: Refolded, context: ScoringContext): LogEntry => {
  const before = account.evaluation
  Object.assign(account, refolded)
  const steps = [stepOf(account, 'erasure', [], context)]
  const noEvents = { events: [], ids: NO_IDS, backfill: true, stepsCompleted: [] }
  const entry = finish(account, { ...noEvents, before, steps, always: true }, context)
  return { ...entry, change: { ...entry.change!, cause: 'erasure' } }
}
