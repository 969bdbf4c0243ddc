import type { RecordSigner } from '#libs/access/record-signer.ts'
import type { Bus } from '#libs/bus/bus.ts'
import type { Database } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import { type Repeating, repeat } from '#libs/runtime/repeat.ts'
import { claimDueAccounts } from './due-store.ts'
import { evaluateAccountCommand } from './evaluate-account-command.ts'

const TICK_MS = 250
const CLAIM_MS = 30_000
const MAX_CLAIMED = 1_000

type Deps = {
  readonly database: Database
  readonly bus: Bus
  readonly clock: Clock
  readonly logger: Logger
  readonly signer: RecordSigner
}

/**
 * Commands the evaluation of accounts whose score changes by time alone. The account's key keeps a
 * single writer. If a process dies, its claims lapse; a second command changes nothing.
 */
export const createEvaluationTimer = ({ database, bus, clock, logger, signer }: Deps): Repeating =>
  repeat({ clock, logger, everyMs: TICK_MS, failure: 'evaluation of due accounts failed to publish' }, async () => {
    const now = clock.now()
    const due = await claimDueAccounts(database, { now, until: now + CLAIM_MS, limit: MAX_CLAIMED })
    if (due.length === 0) return undefined
    failpoint('scoring.due.claimed')
    await bus.publish(
      'usage.events',
      due.map((account) => evaluateAccountCommand(account, signer)),
    )
    failpoint('scoring.due.published')
    return due.length < MAX_CLAIMED ? undefined : 0
  })
