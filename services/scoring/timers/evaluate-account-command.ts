import type { BusRecord } from '#libs/bus/bus.ts'
import { accountKey } from '#libs/contracts/topics.ts'
import type { EvaluateAccount } from '#libs/contracts/usage-event.ts'
import { toInstant } from '#libs/runtime/clock.ts'
import type { DueAccount } from './due-store.ts'

/** A command to evaluate an account, in its place among the account's events. */
export const evaluateAccountCommand = ({ tenantId, accountId, dueAt }: DueAccount): BusRecord => {
  const command: EvaluateAccount = { tenantId, accountId, dueAt: toInstant(dueAt) }
  return {
    key: accountKey(tenantId, accountId),
    headers: { kind: 'evaluate' },
    value: Buffer.from(JSON.stringify(command)),
  }
}
