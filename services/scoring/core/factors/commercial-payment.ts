import { factor } from './factor.ts'
import { isConnected } from './factor-input.ts'
import { hasBilling, paymentFailedDays } from './payment.ts'

/** Local days an invoice has been failing. Data after a subscription or invoice event. */
export const payment = factor({
  needs: ['upTo', 'beyond'],
  situations: ['clear'],
  value: paymentFailedDays,
  situation: (view) =>
    paymentFailedDays(view) === null && (hasBilling(view.state) || isConnected(view, 'commercial')) ? 'clear' : null,
  changesIn: 'ages',
})
