import type { CapModel, CapName } from '#libs/contracts/health-model.ts'
import { NEVER } from '../factors/factor.ts'
import { paymentFailedDays } from '../factors/payment.ts'
import { urgentSinceDay } from '../factors/support-urgent-open.ts'
import type { AccountView } from '../journey/account-view.ts'
import { subscriptionsOf } from '../state/subscription-ledger.ts'
import type { CapResult } from './evaluation.ts'

export type CapContext = { readonly view: AccountView; readonly silentSince: number | null }

type Cap =
  /** Time alone never changes the cap, except `silent`, which follows the fact `silentSince`. */
  | { readonly holds: (context: CapContext) => boolean }
  /** The local day from which the cap holds, so that time alone brings it; null: it does not. */
  | { readonly fromDay: (view: AccountView, overDays: number) => number | null }

const CAPS: Readonly<Record<CapName, Cap>> = {
  cancelled: {
    holds: ({ view }) => {
      const { any, anyLive } = subscriptionsOf(view.state)
      return (any && !anyLive) || isDeleted(view)
    },
  },
  payment_failed: {
    fromDay: (view, overDays) => {
      const failedDays = paymentFailedDays(view)
      return failedDays === null ? null : view.day - failedDays + overDays + 1
    },
  },
  silent: { holds: ({ silentSince }) => silentSince !== null },
  champion_removed: { holds: ({ view }) => isChampionRemoved(view) },
  urgent_ticket_open: {
    fromDay: (view, overDays) => {
      const since = urgentSinceDay(view)
      return since === null ? null : since + overDays + 1
    },
  },
}

const holds = ({ name, overDays }: CapModel, context: CapContext): boolean => {
  const cap = CAPS[name]
  if ('holds' in cap) return cap.holds(context)
  const fromDay = cap.fromDay(context.view, overDays ?? 0)
  return fromDay !== null && context.view.day >= fromDay
}

/** Local days until time alone brings a cap; Infinity: never. */
export const capsChangeIn = (view: AccountView): number => {
  let days = NEVER
  for (const { name, overDays } of view.model.model.caps) {
    const cap = CAPS[name]
    const fromDay = 'fromDay' in cap ? cap.fromDay(view, overDays ?? 0) : null
    if (fromDay !== null && fromDay > view.day) days = Math.min(days, fromDay - view.day)
  }
  return days
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
    if (!holds(cap, context)) continue
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
