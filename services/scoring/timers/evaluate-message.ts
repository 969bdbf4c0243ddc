import type { BusRecord } from '#libs/bus/bus.ts'
import { accountKey } from '#libs/contracts/topics.ts'
import { toInstant } from '#libs/runtime/clock.ts'

/** Asks for an account to be evaluated, in its place among the account's events. */
export const evaluateRecord = (tenantId: string, accountId: string, dueAt: number): BusRecord => ({
  key: accountKey(tenantId, accountId),
  headers: { kind: 'evaluate' },
  value: Buffer.from(JSON.stringify({ tenantId, accountId, dueAt: toInstant(dueAt) })),
})
