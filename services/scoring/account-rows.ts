import type { Facts } from '#libs/contracts/account-health.ts'
import { createBlob, numberArray, textArray } from '#libs/postgres/array-literal.ts'
import { dealingsPage } from './account-store.ts'
import type { Account } from './core/account.ts'
import { encodeAccount } from './core/account-bytes.ts'
import type { LogEntry, ScoringContext } from './core/apply-events.ts'
import { createFrameWriter } from './log-frames.ts'
import { createTextSlab } from './text-slab.ts'

/** One flush as the columns of one statement: everything long lies in one blob, so that nothing is copied or escaped twice. */
export type FlushRows = {
  /** The account as it now is; `baseVersion` is what the database must still hold, 0 for a new account. */
  readonly addAccount: (account: Account, baseVersion: number, facts: Facts, context: ScoringContext) => void
  /** A text as bytes that live as long as the flush. */
  readonly toBytes: (text: string) => Buffer
  readonly addEntry: (account: Account, entry: LogEntry, message: Buffer | null) => void
  readonly accounts: () => number
  readonly params: () => Promise<unknown[]>
}

const ACCOUNT_COLUMNS = 27
const PAGE_COLUMNS = 5
const FRAME_COLUMNS = 3
const LOG_COLUMNS = 13

export const createFlushRows = (): FlushRows => {
  const blob = createBlob()
  const accounts = columns(ACCOUNT_COLUMNS)
  const pages = columns(PAGE_COLUMNS)
  const log = columns(LOG_COLUMNS)
  const frames = createFrameWriter()
  let count = 0
  return {
    addAccount: (account, baseVersion, facts, { model: { model }, zone }) => {
      const { evaluation, state, users, tenantId, accountId } = account
      const at = evaluation!
      const { state: bytes, dealings } = encodeAccount(account)
      count++
      push(accounts, [
        tenantId,
        accountId,
        baseVersion,
        account.version,
        account.sequence,
        blob.append(bytes),
        bytes.length,
        state.userCount,
        users.bits(),
        model.id,
        model.version,
        textTrait(state.traits.name),
        facts.ownerId,
        at.score,
        at.band,
        at.confidence,
        at.stage,
        facts.mrr,
        account.firstChangeAt,
        at.at,
        at.nextEvaluationAt,
        isEmpty(state.traits) ? null : JSON.stringify(state.traits),
        facts.scoreDelta7d,
        facts.scoreDelta28d,
        facts.renewalInDays === null ? null : zone.dayOf(at.at) + facts.renewalInDays,
        account.override === null ? null : JSON.stringify(account.override),
        at.healthySince,
      ])
      for (const page of dealings)
        push(pages, [tenantId, accountId, dealingsPage(page.page), blob.append(page.bytes), page.bytes.length])
      for (const page of users.takeDirty())
        push(pages, [tenantId, accountId, page.page, blob.append(page.bytes), page.bytes.length])
    },
    toBytes: createTextSlab(),
    addEntry: (account, entry, message) => {
      const { evaluation, change, events } = entry
      const place = frames.add(events, message)
      push(log, [
        account.tenantId,
        account.accountId,
        entry.version,
        evaluation.at,
        events.length === 0
          ? null
          : events.reduce((last, event) => Math.max(last, event.occurredAt), Number.NEGATIVE_INFINITY),
        blob.append(entry.ids),
        entry.ids.length,
        change === null ? null : change.sequence,
        evaluation.score,
        place.frame,
        place.eventsAt,
        place.eventsLength,
        place.changeLength,
      ])
    },
    accounts: () => count,
    params: async () => {
      const framed = columns(FRAME_COLUMNS)
      for (const [frame, bytes] of (await frames.take()).entries())
        push(framed, [frame, blob.append(bytes), bytes.length])
      return [
        blob.bytes(),
        ...literals(accounts, ACCOUNT_TEXTS),
        ...literals(pages, PAGE_TEXTS),
        ...literals(log, LOG_TEXTS),
        ...literals(framed, NO_TEXTS),
      ]
    },
  }
}

const ACCOUNT_TEXTS = new Set([0, 1, 9, 11, 12, 14, 16, 21, 25])
const PAGE_TEXTS = new Set([0, 1])
const LOG_TEXTS = new Set([0, 1])
const NO_TEXTS = new Set<number>()

type Value = string | number | null
const columns = (count: number): Value[][] => Array.from({ length: count }, () => [])
const push = (into: Value[][], row: readonly Value[]): void => {
  for (let i = 0; i < row.length; i++) into[i]!.push(row[i]!)
}
const literals = (from: readonly Value[][], texts: ReadonlySet<number>): string[] =>
  from.map((column, i) =>
    texts.has(i) ? textArray(column as (string | null)[]) : numberArray(column as (number | null)[]),
  )

const isEmpty = (object: object): boolean => {
  for (const _name in object) return false
  return true
}

const textTrait = (value: unknown): string | null => (typeof value === 'string' ? value : null)
