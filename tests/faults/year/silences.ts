import { createRandom } from '../story.ts'
import type { PlannedSilence } from './imagine-alerts.ts'
import { accountIdOf, TICKS_PER_DAY } from './lives.ts'

const MATCHERS: readonly ((n: number) => PlannedSilence['matcher'])[] = [
  () => ({ ruleId: 'silence' }),
  (n) => ({ ownerId: `csm-${n % 10}` }),
  () => ({ severity: 'critical' }),
  (n) => ({ accountId: accountIdOf(n) }),
  (n) => ({ ruleId: 'at_risk_entered', ownerId: `csm-${n % 10}` }),
]

/** One silence every ten days, of one to twelve days. */
export const planSilences = (days: number, seed: number): readonly PlannedSilence[] => {
  const random = createRandom(seed)
  return Array.from({ length: Math.ceil(days / 10) }, (_, n) => {
    const fromTick = Math.floor(random() * days * TICKS_PER_DAY)
    return {
      fromTick,
      toTick: fromTick + TICKS_PER_DAY + Math.floor(random() * 11 * TICKS_PER_DAY),
      matcher: MATCHERS[n % MATCHERS.length]!(n),
    }
  })
}
