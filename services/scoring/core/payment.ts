import type { AccountState } from './state.ts'
import type { View } from './view.ts'

type Failing = { readonly since: number | null }

/** Earliest instant since which an invoice is failing; null while none is. */
export const failingSince = (state: AccountState): number | null => {
  const known = state.memo.invoices as Failing | undefined
  if (known !== undefined) return known.since
  let since: number | null = null
  for (const { failures } of state.invoices.values()) {
    const first = failures[0]
    if (first !== undefined && (since === null || first.at < since)) since = first.at
  }
  state.memo.invoices = { since } satisfies Failing
  return since
}

/** Local days for which an invoice has been failing, the longest; null while nothing fails. */
export const paymentFailedDays = (view: View): number | null => {
  const since = failingSince(view.state)
  return since === null ? null : view.day - view.zone.dayOf(since)
}

/** Whether the account ever had a subscription or invoice event. */
export const hasBilling = ({ subscriptions, invoices }: AccountState): boolean =>
  subscriptions.length > 0 || invoices.size > 0
