import type { AccountHealth } from '#libs/contracts/account-health.ts'
import type { Sql } from '#libs/postgres/database.ts'
import { inactivityOf, type Suspicion } from '../core/alert/outage.ts'
import type { About, Rule } from '../core/alert/rule.ts'
import { isMany } from '../core/decision/decide-monitor.ts'
import type { StoredAccount } from './account-store.ts'
import { countActiveSince, countInactiveSoon } from './monitor-store.ts'

/** A rule that watches how many accounts are inactive together. */
export type Guard = Rule & { readonly about: Extract<About, { kind: 'tenant' }> }

/** An account with its changes that were not evaluated yet. */
export type News = { readonly account: StoredAccount; readonly messages: readonly AccountHealth[] }

export const longestHold = (guards: readonly Guard[]): number => Math.max(0, ...guards.map(({ about }) => about.holdMs))

const isInactive = ({ facts }: Pick<AccountHealth, 'facts'>): boolean => facts.silentSince !== null
const becameInactive = ({ account, messages }: News): boolean =>
  messages.some((message) => isInactive(message) && !message.backfill) && !(account.seen && isInactive(account.seen))

/** Whether an account became inactive or active again. */
export const isTurn = (news: News): boolean =>
  becameInactive(news) ||
  (news.account.seen !== null && isInactive(news.account.seen) && !news.messages.every(isInactive))

/**
 * Whether an outage may begin: many accounts are inactive, became so in this batch, or will soon.
 * A suspicion only delays notifications; it never raises an outage itself.
 */
export const suspectOutage = async (
  tx: Sql,
  tenantId: string,
  guards: readonly Guard[],
  all: readonly News[],
): Promise<Suspicion | null> => {
  const fallen = all.filter(becameInactive)
  if (fallen.length === 0) return null
  const at = Math.max(...fallen.flatMap(({ messages }) => messages.map((message) => Date.parse(message.at))))
  const suspecting: Guard[] = []
  for (const guard of guards) if (await mayBeMany(tx, { tenantId, guard, fallen, at })) suspecting.push(guard)
  return suspecting.length === 0
    ? null
    : { mutes: suspecting.flatMap(({ mutes }) => mutes), holdMs: longestHold(suspecting) }
}

type Question = {
  readonly tenantId: string
  readonly guard: Guard
  readonly fallen: readonly News[]
  readonly at: number
}

const mayBeMany = async (tx: Sql, { tenantId, guard, fallen, at }: Question): Promise<boolean> => {
  const { withinMs, holdMs, atLeast, share } = guard.about
  const [since, soon] = [at - withinMs, at + holdMs]
  // The database counts fallen accounts by their stored state: they are not counted twice.
  const stored = fallen.map(({ account: { seen } }) => (seen ? inactivityOf(seen.facts, seen.at).inactiveAt : null))
  const counted = stored.filter((inactiveAt) => inactiveAt !== null && inactiveAt <= soon).length
  const inactive = (await countInactiveSoon(tx, tenantId, { since, soon })) + fallen.length - counted
  if (inactive < atLeast) return false
  // With more active accounts than this the share is not reached.
  const most = Math.floor(inactive / share) + 1
  const unknown = stored.filter((inactiveAt) => inactiveAt === null).length
  return isMany({ inactive, active: (await countActiveSince(tx, tenantId, since, most)) + unknown }, guard.about)
}
