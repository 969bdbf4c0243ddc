import type { AccountView } from '../journey/account-view.ts'
import type { AccountState } from '../state/state.ts'

/** Local days the longest failing invoice has been failing; null while nothing fails. */
export const paymentFailedDays = (view: AccountView): number | null => {
  const since = view.state.failingInvoices.days[0]
  return since === undefined ? null : view.day - since
}

/** Whether the account ever had a subscription or invoice event. */
export const hasBilling = ({ subscriptions, invoiceCount }: AccountState): boolean =>
  subscriptions.length > 0 || invoiceCount > 0
