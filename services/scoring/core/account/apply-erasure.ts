import type { Account } from './account.ts'
import type { Refolded } from './adopt-model.ts'
import { finish, type LogEntry, NO_IDS, stepOf } from './apply-events.ts'
import type { ScoringContext } from './evaluate-account.ts'

/**
 * The account as the events without an erased user add up: one change with cause `erasure`, always, so that readers learn which traits
 * are left; nothing is sent because of it. What time has moved must have been counted before.
 */
export const applyErasure = (account: Account, refolded: Refolded, context: ScoringContext): LogEntry => {
  const before = account.evaluation
  Object.assign(account, refolded)
  const steps = [stepOf(account, 'erasure', [], context)]
  const entry = finish(account, {
    events: [],
    ids: NO_IDS,
    before,
    steps,
    backfill: true,
    stepsCompleted: [],
    always: true,
  })
  return { ...entry, change: { ...entry.change!, cause: 'erasure' } }
}
