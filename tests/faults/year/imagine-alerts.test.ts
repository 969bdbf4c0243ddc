import { expect, test } from 'vitest'
import type { RuleStates } from '../../../services/alerting/core/alert/rule-states.ts'
import type { Seen } from '../../../services/alerting/core/alert/subject.ts'
import { decideOnFacts, decideOnTime } from '../../../services/alerting/core/decision/decide-account.ts'
import { readShippedRules } from '../../../services/alerting/rules/shipped-rules.ts'
import { imagineAlerts, type NotifiedTransition, type PlannedSilence } from './imagine-alerts.ts'
import { accountIdOf, atTick, narrateLife, type Sighting, TICKS_PER_DAY } from './lives.ts'
import { planSilences } from './silences.ts'

const DAYS = 365
/** Those about accounts, critical ones first, as a rule that mutes others must be. */
const RULES = [...readShippedRules().values()]
  .filter(({ rule }) => rule.about.kind === 'account')
  .map(({ rule }) => ({ rule, version: '1' }))
  .sort((a, b) => Number(b.rule.severity === 'critical') - Number(a.rule.severity === 'critical'))

/** The product's pure part, driven as the service does it. */
const decide = (
  accountId: string,
  life: readonly Sighting[],
  silences: readonly PlannedSilence[],
): readonly NotifiedTransition[] => {
  const around = {
    accountId,
    rules: RULES,
    silences: silences.map(({ fromTick, toTick, matcher }) => ({
      startsAt: atTick(fromTick),
      endsAt: atTick(toTick),
      matcher: matcher as object,
    })),
  }
  const told: NotifiedTransition[] = []
  let states: RuleStates = {}
  let seen: Seen | null = null
  const keep = (decision: ReturnType<typeof decideOnTime>): void => {
    states = decision.states
    for (const { rule, episode, position, kind, reason, at, notifying } of decision.transitions)
      told.push({ ruleId: rule.id, episode, position, kind, reason, at, why: String(notifying.told || notifying.why) })
  }
  for (const { tick, facts, backfill, plan } of life) {
    const next: Seen = { facts, backfill, traits: { plan } }
    keep(decideOnFacts({ seen, states }, next, atTick(tick), around))
    seen = next
  }
  keep(decideOnTime({ seen, states }, atTick(DAYS * TICKS_PER_DAY), around))
  return told
}

const lines = (told: readonly NotifiedTransition[]): readonly string[] =>
  told
    .map(({ ruleId, episode, position, kind, reason, at, why }) =>
      [ruleId, `${episode}.${position}`, kind, reason, new Date(at).toISOString(), why].join(' '),
    )
    .sort()

test('over a scripted year the shipped rules say what a naive reading of them says', () => {
  const silences = planSilences(DAYS, 1)
  const seen = new Set<string>()
  for (let index = 0; index < 150; index++) {
    const life = narrateLife(index, DAYS, 1)
    const accountId = accountIdOf(index)
    const imagined = imagineAlerts(accountId, life, silences, DAYS * TICKS_PER_DAY)
    expect(lines(decide(accountId, life, silences)), accountId).toEqual(lines(imagined))
    for (const { ruleId, kind, why } of imagined) seen.add(`${ruleId} ${kind} ${why}`)
  }
  // Every rule opened, and was told, silenced, inhibited, muted by a cooldown or by backfill.
  expect(seen.size).toBeGreaterThan(100)
})
