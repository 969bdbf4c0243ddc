import type { Rule } from '../alert/rule.ts'
import type { Condition } from '../conditions/condition.ts'
import { type AccountAlerting, decideOnFacts, decideOnTime } from '../decision/decide-account.ts'
import type { Decision } from '../decision/decide-instants.ts'
import type { SeenAt } from './fact-history.ts'

export type ReplayedAlert = {
  readonly firedAt: number
  readonly endedAt: number | null
  readonly told: boolean
}

export type AccountReplay = {
  readonly accountId: string
  readonly alerts: readonly ReplayedAlert[]
  /** An alert was open from before `from` or before the history, or a backfill opened it. */
  readonly alreadyOpen: boolean
  readonly firstAt: number | null
}

export type Replay = {
  readonly see: (change: SeenAt) => void
  /** Lets time pass up to `until`. */
  readonly end: (until: number) => AccountReplay
}

type Open = { firedAt: number; endedAt: number | null; told: boolean; counts: boolean }

/** Replays by the code of live evaluation. Silences, snoozes and other rules play no part. */
export const createReplay = (rule: Rule, accountId: string, from: number): Replay => {
  // Reminders open nothing, and a short one would cost many steps.
  const tried: Rule = { ...rule, enabled: true, reminderMs: null }
  const around = { accountId, rules: [{ rule: tried, version: '' }], silences: [] }
  let account: AccountAlerting = { seen: null, states: {} }
  let first: SeenAt | null = null
  const alerts: Open[] = []

  const take = ({ states, transitions }: Decision, seen: AccountAlerting['seen']): void => {
    account = { seen, states }
    for (const { kind, reason, at, notifying } of transitions) {
      if (kind === 'firing' && reason !== 'relapsed') {
        const byBackfill = !notifying.told && notifying.why === 'backfill'
        const stoodBefore = first !== null && at === first.at && first.seen.facts.sequence > 1
        // Changes before `from` only lead to the state at `from`.
        alerts.push({ firedAt: at, endedAt: null, told: false, counts: at >= from && !byBackfill && !stoodBefore })
      }
      const open = alerts.at(-1)
      if (open?.endedAt !== null) continue
      if (kind === 'resolved') open.endedAt = at
      else if (notifying.told) open.told = true
    }
  }

  return {
    see: ({ at, seen }) => {
      first ??= { at, seen }
      take(decideOnFacts(account, seen, at, around), seen)
    },
    end: (until) => {
      take(decideOnTime(account, until, around), account.seen)
      return {
        accountId,
        alerts: alerts.filter(({ counts }) => counts),
        alreadyOpen: alerts.some(({ counts, endedAt }) => !counts && (endedAt === null || endedAt >= from)),
        firstAt: first?.at ?? null,
      }
    },
  }
}

/** How far back a rule looks: a shorter history cannot show what it would have done. */
export const lookBackMs = (rule: Rule): number => Math.max(spanOf(rule.when), spanOf(rule.recovers)) + rule.dwellMs

const spanOf = (condition: Condition): number => {
  if ('all' in condition) return Math.max(...condition.all.map(spanOf))
  if ('any' in condition) return Math.max(...condition.any.map(spanOf))
  if ('not' in condition) return spanOf(condition.not)
  if ('previously' in condition) return spanOf(condition.previously)
  if ('that' in condition) return condition.forMs + spanOf(condition.that)
  return 'change' in condition ? condition.overMs : 0
}
