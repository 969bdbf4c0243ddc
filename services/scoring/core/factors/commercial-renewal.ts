import { subscriptionsOf } from '../state/subscription-ledger.ts'
import { factor, NEVER } from './factor.ts'

/** Local days to the renewal date without auto-renew, which is assumed. No data without a date. */
export const renewal = factor({
  needs: ['upTo', 'beyond'],
  situations: ['autoRenew'],
  value: ({ state, day }) => {
    const { renewalDay } = subscriptionsOf(state).renewal
    return renewalDay === null ? null : renewalDay - day
  },
  situation: ({ state }) => {
    const { renewalDay, autoRenew } = subscriptionsOf(state).renewal
    return renewalDay === null || autoRenew === false ? null : 'autoRenew'
  },
  changesIn: ({ state }, { upTo }, value) => {
    if (subscriptionsOf(state).renewal.autoRenew !== false) return NEVER
    const limit = upTo.findLast(([days]) => days < value)?.[0]
    return limit === undefined ? NEVER : Math.ceil(value - limit)
  },
})
