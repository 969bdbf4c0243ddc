import type { RecordSigner } from '#libs/access/record-signer.ts'
import type { BusRecord } from '#libs/bus/bus.ts'
import { RECORD_HEADERS } from '#libs/contracts/record-version.ts'
import { accountKey } from '#libs/contracts/topics.ts'
import type { EvaluateAccount } from '#libs/contracts/usage-event.ts'
import { toInstant } from '#libs/runtime/clock.ts'
import type { DueAccount } from './due-store.ts'

const HEADERS = { ...RECORD_HEADERS, kind: 'evaluate' }

/** A signed command to evaluate an account, in its place among the account's events. */
export const evaluateAccountCommand = (
  { tenantId, accountId, dueAt }: DueAccount,
  { sign }: RecordSigner,
): BusRecord => {
  const command: EvaluateAccount = { tenantId, accountId, dueAt: toInstant(dueAt) }
  return {
    key: accountKey(tenantId, accountId),
    headers: { ...HEADERS, ...sign('evaluate', tenantId, dueAt) },
    value: Buffer.from(JSON.stringify(command)),
  }
}
