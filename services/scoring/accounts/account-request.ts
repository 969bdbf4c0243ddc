import { type AccountKey, accountKey } from '#libs/contracts/topics.ts'
import type { ReceivedEvent } from '../core/events/parse-event.ts'

/** Events to count into an account; `evaluate` evaluates the account even without events. */
export type AccountEvents = { readonly events: readonly ReceivedEvent[]; readonly evaluate: boolean }

export type AccountRequest = AccountKey & {
  /** `tenantId:accountId`. */
  readonly key: string
  /** Parses the records, once: as late as possible, so that few events are in memory at a time. */
  readonly read: () => AccountEvents
  /** As `read`, for the last time: the events are not kept any longer. */
  readonly take: () => AccountEvents
}

/** A request to change an account without records of the topic. */
export const requestOf = (key: AccountKey, events: readonly ReceivedEvent[]): AccountRequest => {
  const read = (): AccountEvents => ({ events, evaluate: true })
  return { ...key, key: accountKey(key.tenantId, key.accountId), read, take: read }
}
