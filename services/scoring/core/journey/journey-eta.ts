import type { Stage } from '#libs/contracts/account-health.ts'
import { DAY_MS } from '#libs/runtime/durations.ts'
import { subscriptionsOf } from '../state/subscription-ledger.ts'
import type { AccountView } from './account-view.ts'
import { stepsDone } from './journey-runs.ts'
import { spanAt } from './stage-timeline.ts'

/** Completions from which an account has a pace of its own. */
const MINIMUM_DONE = 2

/** Days to complete onboarding: the middle half of comparable accounts. */
export type CohortDays = { readonly p25Days: number; readonly medianDays: number; readonly p75Days: number }

export type Eta = {
  readonly basis: 'own_rate' | 'cohort' | 'date' | 'insufficient_data'
  readonly at: number | null
  readonly earliestAt: number | null
  readonly latestAt: number | null
}

const UNKNOWN: Eta = { basis: 'insufficient_data', at: null, earliestAt: null, latestAt: null }

/** When the next stage is due. A renewal window has a date; the end of onboarding is estimated. */
export const etaOf = (view: AccountView, stage: Stage, cohort: CohortDays | null): Eta => {
  if (stage === 'onboarding') return onboardingEta(view, cohort)
  if (stage === 'churned') return UNKNOWN
  const next = view.timeline.spans[spanAt(view.timeline, view.at) + 1]
  if (next !== undefined) return dated(next.at)
  const { renewalDay } = subscriptionsOf(view.state).renewal
  return renewalDay === null || renewalDay < view.day ? UNKNOWN : dated(view.zone.startOfDay(renewalDay))
}

const dated = (at: number): Eta => ({ basis: 'date', at, earliestAt: at, latestAt: at })

/**
 * Remaining required steps / the account's own step rate. The range applies the account's quickest
 * and slowest step to all that remain. A known cohort bounds both by its middle half.
 */
const onboardingEta = (view: AccountView, cohort: CohortDays | null): Eta => {
  const { run, at } = view
  if (run === undefined) return UNKNOWN
  const done = stepsDone(run, at)
  const remaining = run.required - done
  if (run.required === 0 || remaining === 0 || done < MINIMUM_DONE) return cohortEta(run.startAt, at, cohort)
  const instants = [run.startAt, ...run.completions.slice(0, done).map((step) => step.at)]
  const gaps = instants.slice(1).map((instant, index) => instant - instants[index]!)
  const within = (instant: number): number =>
    Math.max(at, cohort === null ? instant : bounded(instant, run.startAt, at, cohort))
  const estimate = within(at + Math.round((remaining * (at - run.startAt)) / done))
  const slowest = Math.max(...gaps, at - instants[instants.length - 1]!)
  return {
    basis: 'own_rate',
    at: estimate,
    earliestAt: Math.min(estimate, within(at + remaining * Math.min(...gaps))),
    latestAt: Math.max(estimate, within(at + remaining * slowest)),
  }
}

/** Within the middle half of the cohort; a slower account has no upper bound. */
const bounded = (instant: number, startAt: number, at: number, { p25Days, p75Days }: CohortDays): number => {
  const latest = startAt + p75Days * DAY_MS
  return Math.round(Math.max(startAt + p25Days * DAY_MS, latest > at ? Math.min(latest, instant) : instant))
}

const cohortEta = (startAt: number, at: number, cohort: CohortDays | null): Eta => {
  if (cohort === null || startAt + cohort.p75Days * DAY_MS <= at) return UNKNOWN
  const after = (days: number): number => Math.max(at, Math.round(startAt + days * DAY_MS))
  return {
    basis: 'cohort',
    at: after(cohort.medianDays),
    earliestAt: after(cohort.p25Days),
    latestAt: after(cohort.p75Days),
  }
}
