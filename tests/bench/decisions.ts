import type { Facts } from '#libs/contracts/account-health.ts'
import type { RuleInForce } from '../../services/alerting/core/alert/rule-states.ts'
import type { Seen } from '../../services/alerting/core/alert/subject.ts'
import { type AccountAlerting, decideOnFacts } from '../../services/alerting/core/decision/decide-account.ts'
import { readShippedRules } from '../../services/alerting/rules/shipped-rules.ts'
import { facts } from '../support/alerting/alert-script.ts'
import type { Figure, Run } from './bench-run.ts'

const ACCOUNTS = 2_000
const START = Date.parse('2026-01-01T00:00:00.000Z')
const HOUR_MS = 3_600_000

/** Facts that move a little with each change, so that alerts open and end; the same in each run. */
const walk = (account: number, sequence: number, random: () => number): Facts => {
  const score = 55 + 30 * Math.sin(account + sequence / 12) + 4 * random()
  return facts({
    score,
    band: score >= 75 ? 'healthy' : score >= 50 ? 'watch' : score >= 25 ? 'at_risk' : 'critical',
    scoreDelta7d: 12 * random() - 6,
    scoreDelta28d: 20 * random() - 12,
    daysSinceLastActivity: Math.floor(20 * random()),
    renewalInDays: 300 - (sequence % 300),
    mrr: 100_000 + 500 * Math.floor(sequence / 50),
    seatUse: random(),
    onboardingStalledDays: account % 3 === 0 ? sequence % 20 : null,
    paymentFailedDays: random() < 0.01 ? 3 : null,
    ownerId: `csm-${account % 20}`,
    sequence,
  })
}

/** Numbers in [0, 1) that come out the same each time. */
const repeatable = (): (() => number) => {
  let state = 1
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}

/**
 * Accounts evaluated per second of processor time, each by all shipped rules about accounts: the
 * pure decision, without reading and writing.
 */
export const decisions = async ({ sizes }: Run): Promise<Figure> => {
  const rules: readonly RuleInForce[] = [...readShippedRules().values()]
    .filter(({ rule }) => rule.about.kind === 'account')
    .map(({ rule }) => ({ rule, version: 'shipped' }))
  const random = repeatable()
  const accounts: AccountAlerting[] = Array.from({ length: ACCOUNTS }, () => ({ seen: null, states: {} }))
  let transitions = 0
  let spentMicroseconds = 0
  let evaluated = 0
  const warmUp = ACCOUNTS * 10
  for (let round = 1; evaluated < sizes.decisions + warmUp; round++) {
    const changes = accounts.map(
      (_, account): Seen => ({ facts: walk(account, round, random), traits: {}, backfill: false }),
    )
    const at = START + round * HOUR_MS
    const before = process.cpuUsage()
    for (let account = 0; account < ACCOUNTS; account++) {
      const seen = changes[account]!
      const context = { accountId: `account-${account}`, rules, silences: [] }
      const decision = decideOnFacts(accounts[account]!, seen, at, context)
      accounts[account] = { seen, states: decision.states }
      transitions += decision.transitions.length
    }
    evaluated += ACCOUNTS
    const { user, system } = process.cpuUsage(before)
    if (evaluated > warmUp) spentMicroseconds += user + system
  }
  if (transitions === 0) throw new Error('no alert moved: the decisions were of nothing')
  const events = evaluated - warmUp
  return { bench: 'decisions', events, perSecond: Math.round((events * 1e6) / spentMicroseconds) }
}
