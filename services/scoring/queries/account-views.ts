import type { Facts } from '#libs/contracts/account-health.ts'
import type { AccountKey } from '#libs/contracts/topics.ts'
import type { WorkSlots } from '#libs/http/limits/work-slots.ts'
import type { Database } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { DAY_MS } from '#libs/runtime/durations.ts'
import { loadPastScores } from '../accounts/account-store.ts'
import { readAccounts } from '../accounts/load-accounts.ts'
import { type Account, exists, PAST, PAST_DAYS, type PastScore } from '../core/account/account.ts'
import { factsOf } from '../core/account/change-message.ts'
import type { ScoringContext } from '../core/account/evaluate-account.ts'
import { evaluateAt } from '../core/account/evaluate-account.ts'
import type { Evaluation } from '../core/evaluation/evaluation.ts'
import { type Outlook, outlookOf } from '../core/insights/outlook.ts'
import { type Journey, journeyOf } from '../core/journey/journey.ts'
import { isOpen, measuredRun } from '../core/journey/journey-runs.ts'
import { timelineOf } from '../core/journey/stage-timeline.ts'
import type { Traits } from '../core/models/segment.ts'
import type { AccountState } from '../core/state/state.ts'
import { MAX_EVENTS_OF_VIEW } from '../limits.ts'
import { loadDailyScores } from '../log/history-store.ts'
import type { LiveModels } from '../models/live-models.ts'
import { loadCohort } from './cohort-store.ts'
import { createFindBeginning } from './find-beginning.ts'
import { foldAsOf } from './fold-as-of.ts'

export type AccountView = {
  readonly evaluation: Evaluation
  readonly facts: Facts
  readonly model: { id: string; version: number }
  readonly outlook: Outlook
}

/** Views of an account at an instant, by the models that are live now; undefined: no account. */
export type AccountViews = {
  /** The stored state, evaluated now: includes the effect of time since the last event. */
  readonly now: (key: AccountKey) => Promise<AccountView | undefined>
  /** From events with `occurredAt <= at`, whenever they were received. */
  readonly asOf: (key: AccountKey, at: number) => Promise<AccountView | undefined>
  readonly journey: (key: AccountKey) => Promise<Journey | undefined>
}

type Counted = { readonly account: Account; readonly state: AccountState; readonly context: ScoringContext }

export const createAccountViews = (deps: {
  readonly database: Database
  readonly clock: Clock
  readonly liveModels: LiveModels
  readonly foldSlots: WorkSlots
}): AccountViews => {
  const { database, clock, liveModels, foldSlots } = deps

  const read = async (key: AccountKey): Promise<Account | undefined> => {
    const [account] = await readAccounts(database, [key], { liveModels })
    return account === undefined || !exists(account) ? undefined : account
  }
  const foldAt = async (
    account: Account,
    instants: readonly number[],
    maxEvents: number,
  ): Promise<readonly Counted[]> => {
    const { zone } = liveModels
    const modelFor = (traits: Traits) => liveModels.modelFor(account.tenantId, traits)
    const likely = modelFor(account.state.traits)
    const states = await foldSlots(account.tenantId, async () => {
      const findBeginning = await createFindBeginning(database, liveModels, account)
      return foldAsOf({ sql: database, key: account, zone, likely, modelFor, findBeginning, maxEvents }, instants)
    })
    return states.map(({ at, state, model }) => ({
      account,
      state,
      context: { ...liveModels.contextOf(account, at), model },
    }))
  }
  /** The stored state, unless a changed model has not yet reached the account. */
  const countNow = async (account: Account): Promise<Counted> => {
    const now = Math.max(clock.now(), account.evaluated?.at ?? 0)
    const model = liveModels.modelFor(account.tenantId, account.state.traits)
    if (model.fingerprint !== account.model.fingerprint)
      return (await foldAt(account, [now], Number.POSITIVE_INFINITY))[0]!
    return { account, state: account.state, context: { ...liveModels.contextOf(account, now), model } }
  }

  const viewOf = async (
    key: AccountKey,
    evaluation: Evaluation,
    facts: Facts,
    { model: { model } }: ScoringContext,
  ): Promise<AccountView> => {
    const dailyScores = await loadDailyScores(database, key, evaluation.at, model.expansion.healthyDays)
    const outlook = outlookOf(evaluation, facts, dailyScores, model)
    return { evaluation, facts, model: { id: model.id, version: model.version }, outlook }
  }

  return {
    now: async (key) => {
      const account = await read(key)
      if (account === undefined) return undefined
      const { state, context } = await countNow(account)
      const past: Account['past'] = {}
      for (const name of PAST) {
        const [row] = await loadPastScores(database, [key], context.now - PAST_DAYS[name] * DAY_MS)
        past[name] = row ?? null
      }
      const evaluation = evaluateAt({ ...account, state }, context, context.now, account.evaluated)
      return viewOf(key, evaluation, factsOf(evaluation, past, account.sequence), context)
    },
    journey: async (key) => {
      const account = await read(key)
      if (account === undefined) return undefined
      const { state, context } = await countNow(account)
      const { model, zone, now: at } = context
      const run = measuredRun(timelineOf(state, model, zone).runs, at)
      const cohort =
        run !== undefined && isOpen(run, at)
          ? await loadCohort(database, key.tenantId, run.journeyId, model.model.onboarding.cohort)
          : null
      return journeyOf({ state, model, zone, at, cohort })
    },
    asOf: async (key, at) => {
      const account = await read(key)
      if (account === undefined) return undefined
      const spellFrom = account.evaluated?.healthySince ?? Number.POSITIVE_INFINITY
      const instants = [at, ...PAST.map((name) => at - PAST_DAYS[name] * DAY_MS)]
      const counted = await foldAt(account, instants, MAX_EVENTS_OF_VIEW)
      const [evaluation, ...past] = counted.map(({ state, context }) => {
        const { now } = context
        const previous = { band: null, healthySince: spellFrom <= now ? spellFrom : null }
        return evaluateAt({ ...account, state, override: null }, context, now, previous)
      })
      const pastScore = (i: number): PastScore => ({ score: past[i]!.score, nextAt: null })
      const facts = factsOf(evaluation!, { days7: pastScore(0), days28: pastScore(1) }, account.sequence)
      return viewOf(key, evaluation!, facts, counted[0]!.context)
    },
  }
}
