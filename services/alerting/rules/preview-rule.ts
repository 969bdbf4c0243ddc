import type { Database } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { DAY_MS } from '#libs/runtime/durations.ts'
import { createTimeSlices } from '#libs/runtime/time-slices.ts'
import type { Rule } from '../core/alert/rule.ts'
import { type SeenAt, unpackChanges, WHOLE_EVERY_MS } from '../core/preview/fact-history.ts'
import { type AccountReplay, createReplay, lookBackMs, type Replay } from '../core/preview/replay-rule.ts'
import { type ReplaySum, sumReplays } from '../core/preview/sum-replays.ts'
import { accountsToSample, factPage } from './fact-history-store.ts'

export type Preview = ReplaySum & {
  readonly from: number
  readonly until: number
  /** Oldest change that was replayed; null when there was none. */
  readonly recordedFrom: number | null
  /** From here on the history reaches back as far as the rule looks. */
  readonly judgedFrom: number
  readonly accounts: number
  /** Fewer than `accounts` when time ran out. */
  readonly replayed: number
  readonly changes: number
}

type PreviewDeps = {
  readonly database: Database
  readonly clock: Clock
  /** The replay ends after this time. */
  readonly budgetMs?: number
}
type PreviewRequest = { readonly tenantId: string; readonly rule: Rule; readonly days: number; readonly limit: number }

const BUDGET_MS = 3_000
const MAX_ACCOUNTS = 50_000
const ACCOUNTS_AT_ONCE = 100
const ROWS_AT_ONCE = 1_000

/** Only reads. Accounts come at random: when time runs out, the replayed ones are a fair sample. */
export const previewRule = async (deps: PreviewDeps, request: PreviewRequest): Promise<Preview> => {
  const { database, clock, budgetMs = BUDGET_MS } = deps
  const { tenantId, rule, days, limit } = request
  const until = clock.now()
  const from = until - days * DAY_MS
  const lookBack = lookBackMs(rule)
  const { accountIds, all } = await accountsToSample(database, tenantId, MAX_ACCOUNTS)
  const done: AccountReplay[] = []
  let changes = 0
  for (let i = 0; i < accountIds.length && clock.now() < until + budgetMs; i += ACCOUNTS_AT_ONCE) {
    const part = await replayAccounts({
      database,
      tenantId,
      accountIds: accountIds.slice(i, i + ACCOUNTS_AT_ONCE),
      since: from - lookBack - WHOLE_EVERY_MS,
      start: (accountId) => createReplay(rule, accountId, from),
      until,
      isLate: () => clock.now() >= until + budgetMs,
    })
    done.push(...part.done)
    changes += part.changes
  }
  const recordedFrom = done.reduce<number | null>(
    (first, { firstAt }) => (firstAt === null || (first !== null && first <= firstAt) ? first : firstAt),
    null,
  )
  return {
    ...sumReplays(done, until, limit),
    from,
    until,
    recordedFrom,
    judgedFrom: Math.min(until, Math.max(from, (recordedFrom ?? until) + lookBack)),
    accounts: all,
    replayed: done.length,
    changes,
  }
}

type Part = {
  readonly database: Database
  readonly tenantId: string
  readonly accountIds: readonly string[]
  readonly since: number
  readonly start: (accountId: string) => Replay
  readonly until: number
  readonly isLate: () => boolean
}

/** Replays page by page: a long history takes no more memory. Late, keeps complete accounts. */
const replayAccounts = async (part: Part) => {
  const running = new Map(part.accountIds.map((accountId) => [accountId, part.start(accountId)]))
  const last = new Map<string, SeenAt>()
  const done: AccountReplay[] = []
  let changes = 0
  let after: { accountId: string; sequence: number } | null = null
  const slices = createTimeSlices()
  const finish = (accountId: string): void => {
    done.push(running.get(accountId)!.end(part.until))
    running.delete(accountId)
  }
  for (;;) {
    const rows = await factPage(part.database, part.tenantId, { ...part, after, limit: ROWS_AT_ONCE })
    for (const row of rows) {
      if (after !== null && after.accountId !== row.accountId) finish(after.accountId)
      after = row
      for (const change of unpackChanges(last.get(row.accountId) ?? null, row)) {
        running.get(row.accountId)!.see(change)
        last.set(row.accountId, change)
        changes++
        if (!slices.isOver()) continue
        await slices.next()
        if (part.isLate()) return { done, changes }
      }
    }
    if (rows.length < ROWS_AT_ONCE) break
    if (part.isLate()) return { done, changes }
  }
  for (const accountId of [...running.keys()]) {
    finish(accountId)
    if (slices.isOver()) await slices.next()
  }
  return { done, changes }
}
