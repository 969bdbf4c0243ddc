import type { CapModel, CapName } from '#libs/contracts/health-model.ts'
import { paymentFailedDays } from '../factors/payment.ts'
import { urgentSinceDay } from '../factors/support-urgent-open.ts'
import type { AccountView } from '../journey/account-view.ts'
import { subscriptionsOf } from '../state/subscription-ledger.ts'
import type { CapResult } from './evaluation.ts'

/** What the caps look at beside the view. */
export type CapContext = { readonly view: AccountView; readonly silentSince: number | null }

const HOLDS: Readonly<Record<CapName, (context: CapContext, overDays: number) => boolean>> = {
  cancelled: ({ view }) => {
    const { any, anyLive } = subscriptionsOf(view.state)
    return (any && !anyLive) || isDeleted(view)
  },
  payment_failed: ({ view }, overDays) => (paymentFailedDays(view) ?? 0) > overDays,
  silent: ({ silentSince }) => silentSince !== null,
  champion_removed: ({ view }) => isChampionRemoved(view),
  urgent_ticket_open: ({ view }, overDays) => {
    const since = urgentSinceDay(view)
    return since !== null && view.day - since > overDays
  },
}

/** `Account Deleted` is later than any `Account Created`. */
const isDeleted = ({ state }: AccountView): boolean => state.lifecycle[state.lifecycle.length - 1]?.deleted === true

/** The latest `Champion Changed` names nobody. */
export const isChampionRemoved = ({ state }: AccountView): boolean =>
  state.champion !== null && state.champion.userId === null

/** All caps that hold; the lowest bears the delta, ties by model order. Units of 1e-4. */
export const capsOf = (
  caps: readonly CapModel[],
  context: CapContext,
  scoreUnits: number,
  toUnits: (value: number) => number,
): { readonly results: readonly CapResult[]; readonly units: number } => {
  let lowest: CapModel | undefined
  const holding: CapModel[] = []
  for (const cap of caps) {
    if (!HOLDS[cap.name](context, cap.overDays ?? 0)) continue
    holding.push(cap)
    if (lowest === undefined || cap.limit < lowest.limit) lowest = cap
  }
  if (lowest === undefined) return { results: NONE, units: scoreUnits }
  const units = Math.min(scoreUnits, toUnits(lowest.limit))
  const results = holding.map((cap) => ({
    cap: cap.name,
    limit: cap.limit,
    delta: cap === lowest ? (units - scoreUnits) / 10_000 || 0 : 0,
  }))
  return { results, units }
}

const NONE: readonly CapResult[] = []
