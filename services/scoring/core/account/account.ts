import type { Band } from '#libs/contracts/account-health.ts'
import { createEmptyInteractions, type InteractionPages } from '../codec/interaction-pages.ts'
import { createUserPages, type UserPages } from '../codec/user-pages.ts'
import type { Evaluation, Override } from '../evaluation/evaluation.ts'
import type { Erasures } from '../events/erasure.ts'
import { createSeenIds, type SeenIds } from '../events/seen-ids.ts'
import type { CompiledModel } from '../models/model.ts'
import { type AccountState, createState } from '../state/state.ts'

/** A published score, and when the next one was published (null: it is the newest). */
export type PastScore = { readonly score: number | null; nextAt: number | null }
export const PAST_DAYS = { days7: 7, days28: 28 } as const
export const PAST = ['days7', 'days28'] as const

/**
 * An account in memory, ahead of the database by the flushes in progress. Each of them compares and
 * swaps `version`.
 */
export type Account = {
  readonly tenantId: string
  readonly accountId: string
  version: number
  /** Version before its first event: 0, or the last one of an account erased under this id. */
  readonly baseVersion: number
  /** What was erased under its id; null = nothing. */
  readonly erasures: Erasures | null
  /** Of the newest change; 0 before the first. */
  sequence: number
  /** The version that its state was folded by and its evaluation made by. */
  model: CompiledModel
  state: AccountState
  users: UserPages
  interactions: InteractionPages
  /** Whether its interactions lie in rows of their own. Once apart, they stay so. */
  interactionsApart: boolean
  readonly ids: SeenIds
  /**
   * As last written. Null before the first event, and while no flush uses the account: it is large,
   * and can be computed again.
   */
  evaluation: Evaluation | null
  /** Of the last evaluation, all it takes to compute it again; null before the first event. */
  evaluated: { readonly at: number; readonly band: Band; readonly healthySince: number | null } | null
  override: Override | null
  /** When the first change was published; null before it. */
  firstChangeAt: number | null
  /** Scores published so many days ago; undefined: not looked up. */
  past: { [Name in (typeof PAST)[number]]?: PastScore | null }
  /** Flushes that hold this account and are not yet durable. */
  inFlight: number
  /** What it takes of the cache it is in; 0 in none. */
  cachedBytes: number
}

/** False while nothing was counted: there is no such account. */
export const exists = ({ version, baseVersion }: Account): boolean => version > baseVersion

export const createAccount = (
  { tenantId, accountId }: { readonly tenantId: string; readonly accountId: string },
  model: CompiledModel,
  erasures: Erasures | null = null,
): Account => {
  const users = createUserPages(0)
  users.load(0, undefined)
  return {
    tenantId,
    accountId,
    version: erasures?.version ?? 0,
    baseVersion: erasures?.version ?? 0,
    erasures,
    sequence: erasures?.sequence ?? 0,
    model,
    state: createState(),
    users,
    interactions: createEmptyInteractions(),
    interactionsApart: false,
    ids: createSeenIds(),
    evaluation: null,
    evaluated: null,
    override: null,
    firstChangeAt: null,
    past: { days7: null, days28: null },
    inFlight: 0,
    cachedBytes: 0,
  }
}
