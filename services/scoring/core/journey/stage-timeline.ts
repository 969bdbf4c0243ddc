import type { Stage } from '#libs/contracts/account-health.ts'
import type { Zone } from '#libs/time/time-zone.ts'
import { compareEventOrders } from '../events/event-order.ts'
import type { CompiledModel } from '../models/model.ts'
import type { Renewal } from '../state/memo.ts'
import type { AccountState, Lifecycle, RenewalTrait } from '../state/state.ts'
import { applyRenewalTrait, applySubscription, type Ledger, renewalOf } from '../state/subscription-ledger.ts'
import type { Run, Span, Timeline } from '../state/timeline.ts'
import { isOpen, runsOf } from './journey-runs.ts'

export const timelineOf = (state: AccountState, model: CompiledModel, zone: Zone): Timeline => {
  const known = state.memo.timeline
  if (known !== undefined && known.model === model && known.zone === zone) return known
  const runs = runsOf(state, model, zone)
  const timeline = { model, zone, runs, spans: spansOf(state, runs, contractsOf(state, model, zone)) }
  state.memo.timeline = timeline
  return timeline
}

/** Place of the span that holds the instant; -1 before the first event. */
export const spanAt = (timeline: Timeline, at: number): number => {
  let index = timeline.spans.length - 1
  while (index >= 0 && timeline.spans[index]!.at > at) index -= 1
  return index
}

/** What contracts and deletion say of the stage, from `at` on. */
type Contract = { readonly at: number; readonly churned: boolean; readonly renewalFrom: number }

const contractsOf = (state: AccountState, { model }: CompiledModel, zone: Zone): readonly Contract[] => {
  const { renewalWindowDays, shortTermMonths, shortRenewalWindowDays } = model.stages
  const ledger: Ledger = new Map()
  let traits: Renewal = { renewalDay: null, termMonths: null, autoRenew: null }
  let deleted = false
  const contracts: Contract[] = []
  const applyTrait = (event: RenewalTrait): void => {
    traits = applyRenewalTrait(traits, event)
  }
  const applyLifecycle = (event: Lifecycle): void => {
    deleted = event.deleted
  }
  const events = [
    ...state.subscriptions.map((event) => ({ event, apply: () => applySubscription(ledger, event) })),
    ...state.renewalTraits.map((event) => ({ event, apply: () => applyTrait(event) })),
    ...state.lifecycle.map((event) => ({ event, apply: () => applyLifecycle(event) })),
  ].sort((a, b) => compareEventOrders(a.event, b.event))
  for (const [index, { event, apply }] of events.entries()) {
    apply()
    if (events[index + 1]?.event.at === event.at) continue
    const { renewalDay, termMonths } = renewalOf(ledger, traits)
    const window = termMonths !== null && termMonths <= shortTermMonths ? shortRenewalWindowDays : renewalWindowDays
    contracts.push({
      at: event.at,
      churned: deleted || (ledger.size > 0 && [...ledger.values()].every(({ status }) => status === 'canceled')),
      renewalFrom: renewalDay === null ? Number.POSITIVE_INFINITY : zone.startOfDay(renewalDay - window),
    })
  }
  return contracts
}

const spansOf = (state: AccountState, runs: readonly Run[], contracts: readonly Contract[]): readonly Span[] => {
  const first = state.firstEventAt
  if (first === null) return []
  const instants = new Set<number>([first])
  for (const run of runs) instants.add(run.startAt).add(run.endAt).add(run.goneAt)
  for (const contract of contracts) instants.add(contract.at).add(contract.renewalFrom)
  instants.delete(Number.POSITIVE_INFINITY)
  const spans: Span[] = []
  let next = 0
  let contract: Contract | undefined
  for (const at of [...instants].filter((instant) => instant >= first).sort((a, b) => a - b)) {
    while (next < contracts.length && contracts[next]!.at <= at) contract = contracts[next++]
    const stage = stageAt(at, runs, contract)
    if (spans[spans.length - 1]?.stage !== stage) spans.push({ at, stage })
  }
  return spans
}

const stageAt = (at: number, runs: readonly Run[], contract: Contract | undefined): Stage => {
  if (contract?.churned) return 'churned'
  if (runs.some((run) => isOpen(run, at))) return 'onboarding'
  return contract !== undefined && contract.renewalFrom <= at ? 'renewal' : 'adoption'
}
