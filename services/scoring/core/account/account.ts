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

/** An account in memory, ahead of the database by its flushes, which compare and swap `version`. */
export type Account = {
  readonly tenantId: string
  readonly accountId: string
  version: number
  /** Version before the first event: 0, or the last one of an account erased under this id. */
  readonly baseVersion: number
  /** Null: nothing was erased under this id. */
  readonly erasures: Erasures | null
  /** Number of the newest change; 0 before the first. */
  sequence: number
  /** The model version that folded `state` and made `evaluation`. */
  model: CompiledModel
  state: AccountState
  users: UserPages
  interactions: InteractionPages
  /** Whether interactions lie in rows of their own. Once apart, they stay so. */
  interactionsApart: boolean
  readonly ids: SeenIds
  /** Null before the first event, and while no flush uses the account: large, and recomputable. */
  evaluation: Evaluation | null
  /** All it takes to compute the last evaluation again; null before the first event. */
  evaluated: { readonly at: number; readonly band: Band; readonly healthySince: number | null } | null
  override: Override | null
  /** When the first change was published; null before. */
  firstChangeAt: number | null
  /** Scores published 7 and 28 days ago; undefined: not looked up. */
  past: { [Name in (typeof PAST)[number]]?: PastScore | null }
  /** Partition whose flushes hold the account; -1 in no cache. */
  partition: number
  /** Flushes that hold the account and are not yet durable. */
  inFlight: number
  /** Bytes the account takes of its cache; 0 in no cache. */
  cachedBytes: number
}

/** An account exists once it has counted an event. */
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
    partition: -1,
    inFlight: 0,
    cachedBytes: 0,
  }
}
