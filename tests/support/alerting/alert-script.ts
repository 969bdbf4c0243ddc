import type { Facts } from '#libs/contracts/account-health.ts'
import type { MuteContext } from '../../../services/alerting/core/alert/decide-notification.ts'
import { decideOperatorAction, type OperatorAction } from '../../../services/alerting/core/alert/operator-action.ts'
import {
  FIRST_STATE,
  type MuteReason,
  type Rule,
  type RuleState,
  type Transition,
} from '../../../services/alerting/core/alert/rule.ts'
import type { Silence } from '../../../services/alerting/core/alert/silence.ts'
import { decideAlert } from '../../../services/alerting/core/decision/decide-alert.ts'
import { evaluateRule } from '../../../services/alerting/core/decision/evaluate-rule.ts'

export const DAY = 86_400_000

/** For tests: facts of a healthy account, with these changes. */
export const facts = (changes: Partial<Facts> = {}): Facts => ({
  score: 80,
  band: 'healthy',
  confidence: 0.9,
  stage: 'adoption',
  daysInStage: 100,
  scoreDelta7d: null,
  scoreDelta28d: null,
  daysSinceLastActivity: 0,
  silenceLimitDays: 14,
  silentSince: null,
  renewalInDays: null,
  autoRenew: null,
  mrr: null,
  seatUse: null,
  planUse: null,
  openUrgentTickets: 0,
  detractorWithin90d: false,
  paymentFailedDays: null,
  cancelScheduled: false,
  championRemoved: false,
  onboardingOverdueDays: null,
  onboardingStalledDays: null,
  ownerId: null,
  advocate: false,
  topContributions: [],
  sequence: 1,
  ...changes,
})

/** For tests: a rule with the shipped defaults, with these changes. */
export const rule = (changes: Partial<Rule> & Pick<Rule, 'when'>): Rule => ({
  id: 'tried',
  description: '',
  enabled: true,
  severity: 'warning',
  kind: 'threshold',
  audience: 'customer-success',
  about: { kind: 'account' },
  recovers: { not: changes.when },
  dwellMs: 0,
  recoverDwellMs: 0,
  cooldownMs: 7 * DAY,
  reminderMs: 14 * DAY,
  momentary: false,
  tells: 'alert',
  mutes: [],
  filter: {},
  ...changes,
})

/** For tests: fires below 50, recovers from 58. */
export const belowFifty = (changes: Partial<Rule> = {}): Rule =>
  rule({
    when: { fact: 'score', op: '<', value: 50 },
    recovers: { fact: 'score', op: '>=', value: 58 },
    ...changes,
  })

type Notified = [kind: string, reason: string, told: true | MuteReason]
type Circumstances = { readonly backfill?: boolean; readonly inhibitedBy?: string }

/**
 * For tests: one rule and one account whose time a test moves; each step answers the transitions it
 * made.
 */
export const createAlertScript = (tried: Rule) => {
  let state: RuleState = FIRST_STATE
  let seen = facts()
  let at = 1_800_000_000_000
  let circumstances: Circumstances = {}
  const silences: Silence[] = []
  const notifiedOf = (transitions: readonly Transition[]): Notified[] =>
    transitions.map((one) => [one.kind, one.reason, one.notifying.told ? true : one.notifying.why])
  const step = (fresh: boolean): Notified[] => {
    const muteContext: MuteContext = {
      subject: { accountId: 'a', ownerId: seen.ownerId, traits: {} },
      silences,
      inhibitedBy: circumstances.inhibitedBy ?? null,
      backfill: circumstances.backfill ?? false,
    }
    const result = evaluateRule(tried, state.memory, { facts: seen, traits: {}, at, fresh })
    const decision = decideAlert(state, { rule: tried, result, at, muteContext })
    state = decision.state
    return notifiedOf(decision.transitions)
  }
  const seeFacts = (next: Facts, with_: Circumstances = {}): Notified[] => {
    seen = next
    circumstances = with_
    return step(true)
  }
  return {
    state: () => state,
    now: () => at,
    silence: (silence: Silence) => silences.push(silence),
    seeFacts,
    see: (score: number, with_?: Circumstances) =>
      seeFacts(facts({ score, band: score < 25 ? 'critical' : score < 50 ? 'at_risk' : 'watch' }), with_),
    wait: (ms: number): Notified[] => {
      const until = at + ms
      const all: Notified[] = []
      while (state.dueAt !== null && state.dueAt <= until) {
        at = state.dueAt
        all.push(...step(false))
      }
      at = until
      return all
    },
    action: (action: OperatorAction): Notified[] => {
      const decision = decideOperatorAction(state, state.episode, action, at)
      if (!decision.done) throw new Error(decision.reason)
      state = decision.state
      return notifiedOf(decision.transitions)
    },
  }
}
