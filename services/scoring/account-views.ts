import type { Facts } from '#libs/contracts/account-health.ts'
import type { Database } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { DAY_MS } from '#libs/runtime/durations.ts'
import { type AccountKey, loadPastScores } from './account-store.ts'
import type { Account, PastScore } from './core/account.ts'
import type { ScoringContext } from './core/apply-events.ts'
import { factsOf } from './core/change-message.ts'
import { evaluate } from './core/evaluate.ts'
import type { Evaluation } from './core/evaluation.ts'
import { type Journey, journeyOf } from './core/journey.ts'
import { replay } from './core/replay.ts'
import { loadCountedEvents } from './event-store.ts'
import { readAccounts } from './load-accounts.ts'

export type AccountView = {
  readonly evaluation: Evaluation
  readonly facts: Facts
  readonly model: { id: string; version: number }
}

/** An account as it stands at an instant; undefined when there is no such account. */
export type AccountViews = {
  /** From the stored state, evaluated now: what time has moved since the last event is in it. */
  readonly now: (key: AccountKey) => Promise<AccountView | undefined>
  /** From the events with `occurredAt <= at`, whenever they arrived. */
  readonly asOf: (key: AccountKey, at: number) => Promise<AccountView | undefined>
  readonly journey: (key: AccountKey) => Promise<Journey | undefined>
}

export const createAccountViews = (deps: {
  readonly database: Database
  readonly clock: Clock
  readonly contextAt: (now: number) => ScoringContext
}): AccountViews => {
  const { database, clock, contextAt } = deps
  const modelOf = ({ model: { model } }: ScoringContext) => ({ id: model.id, version: model.version })

  const evaluateStored = (account: Account, context: ScoringContext): Evaluation =>
    evaluate({
      state: account.state,
      model: context.model,
      zone: context.zone,
      at: Math.max(context.now, account.evaluation?.at ?? 0),
      previousBand: account.evaluation?.band ?? null,
      override: account.override,
      sources: context.sources,
    })

  return {
    now: async (key) => {
      const context = contextAt(clock.now())
      const [account] = await readAccounts(database, [key], context)
      if (account === undefined || account.version === 0) return undefined
      const past: Account['past'] = {}
      for (const days of [7, 28] as const) {
        const [row] = await loadPastScores(database, [key], context.now - days * DAY_MS)
        past[days] = row?.past ?? null
      }
      const evaluation = evaluateStored(account, context)
      return { evaluation, facts: factsOf(evaluation, past, account.sequence), model: modelOf(context) }
    },
    journey: async (key) => {
      const { model, zone, now } = contextAt(clock.now())
      const [account] = await readAccounts(database, [key], contextAt(now))
      if (account === undefined || account.version === 0) return undefined
      return journeyOf({ state: account.state, model, zone, at: now })
    },
    asOf: async (key, at) => {
      const [account] = await readAccounts(database, [key], contextAt(clock.now()))
      if (account === undefined || account.version === 0) return undefined
      const events = await loadCountedEvents(database, key)
      const viewAt = (instant: number): Evaluation => {
        const context = contextAt(instant)
        const { state } = replay(events, context, instant)
        return evaluate({
          state,
          model: context.model,
          zone: context.zone,
          at: instant,
          previousBand: null,
          override: null,
          sources: context.sources,
        })
      }
      const evaluation = viewAt(at)
      const pastAt = (days: number): PastScore => ({
        score: viewAt(at - days * DAY_MS).score,
        nextAt: null,
      })
      const facts = factsOf(evaluation, { 7: pastAt(7), 28: pastAt(28) }, account.sequence)
      return { evaluation, facts, model: modelOf(contextAt(at)) }
    },
  }
}
