import type { Facts } from '#libs/contracts/account-health.ts'
import { earliest, type Memory, NO_MEMORY } from '../conditions/condition.ts'
import { evaluate } from '../conditions/evaluate-condition.ts'
import { type ConditionResult, type Move, nextMove } from './alert-state-machine.ts'
import { decideEscalation } from './decide-escalation.ts'
import {
  decideNotification,
  decideRecoveryNotification,
  type MuteContext,
  type NotificationDecision,
} from './decide-notification.ts'
import { isWaiting } from './outage.ts'
import { FIRST_STATE, PASSING_MUTES, type Rule, type RuleState, type Transition, type TransitionKind } from './rule.ts'

/** Facts of one account at one instant. */
export type Observation = {
  readonly facts: Facts
  readonly at: number
  /** False when only time has passed since these facts were seen. */
  readonly fresh: boolean
}

export type AlertDecision = { readonly state: RuleState; readonly transitions: readonly Transition[] }

type Draft = { -readonly [Key in keyof RuleState]: RuleState[Key] }
type Work = {
  readonly rule: Rule
  readonly draft: Draft
  readonly at: number
  readonly muteContext: MuteContext
  readonly done: Transition[]
}

/**
 * One step in the life of an account's alert. Every transition bears a reason, and why it was not told when it was not;
 * `state.dueAt` says when to look again if nothing new is seen until then.
 */
export const decideAlert = (
  rule: Rule,
  state: RuleState,
  observation: Observation,
  muteContext: MuteContext,
): AlertDecision => {
  const conditionResult = read(rule, state, observation, muteContext)
  const { when, recovers, memory, dueAt } = conditionResult
  const move = nextMove(rule, state, conditionResult, observation.at)
  const everKnown = state.everKnown || (conditionResult.scope === 'in' && when !== null)
  // By far the most rules say nothing of an account, and said nothing before.
  const isAtRest = move.to === 'rest' && move.phase === state.phase
  if (isAtRest && everKnown === state.everKnown && memory === state.memory && dueAt === state.dueAt)
    return { state, transitions: NONE }
  const draft: Draft = { ...state, dueAt, memory, everKnown }
  const work: Work = { rule, draft, at: observation.at, muteContext, done: [] }
  make(work, move, !state.everKnown && isBelow(rule, observation.facts))
  if (draft.phase === 'firing' && !draft.closed && when !== null) notifyAgain(work)
  if (draft.phase === 'firing' && when !== null) escalate(work)
  if (draft.phase === 'pending' && when === true) look(draft, draft.since + rule.dwellMs)
  if (draft.phase === 'recovering' && recovers === true) look(draft, draft.since + rule.recoverDwellMs)
  return { state: draft, transitions: work.done }
}

const NONE: readonly Transition[] = []

type Remembered = ConditionResult & { readonly memory: Memory; readonly dueAt: number | null }

/** Threshold rules know nothing while the band is `insufficient_data`; what they remember stays. */
const read = (rule: Rule, { memory }: RuleState, observation: Observation, muteContext: MuteContext): Remembered => {
  const out = { when: false, recovers: true, dueAt: null } as const
  if (!rule.enabled) return { ...out, scope: 'switched_off', memory }
  if (!isInScope(rule, observation.facts, muteContext)) return { ...out, scope: 'left_out', memory: NO_MEMORY }
  if (rule.kind === 'threshold' && observation.facts.band === 'insufficient_data')
    return { when: null, recovers: null, scope: 'in', memory, dueAt: null }
  const verdict = evaluate(rule, observation, memory)
  const { when, recovers, dueAt } = verdict
  return { when, recovers, scope: 'in', memory: verdict.memory, dueAt }
}

const make = (work: Work, move: Move, firstKnownBelow: boolean): void => {
  const { draft } = work
  switch (move.to) {
    case 'same':
      break
    case 'rest':
      enter(work, move.phase)
      break
    case 'pending':
      open(work)
      enter(work, 'pending')
      note(work, 'pending', firstKnownBelow ? 'first_known_below' : 'crossed', NOT_NOTIFIED)
      break
    case 'firing':
      if (draft.phase !== 'pending') open(work)
      fire(work, move.reason === 'crossed' && firstKnownBelow ? 'first_known_below' : move.reason)
      break
    case 'recovering':
      enter(work, 'recovering')
      note(work, 'recovering', 'recovery_seen', NOT_NOTIFIED)
      break
    case 'relapsed':
      enter(work, 'firing')
      note(work, 'firing', 'relapsed', NOT_NOTIFIED)
      break
    case 'resolved':
      note(work, 'resolved', move.reason, decideRecoveryNotification(work.rule, draft, work.muteContext, work.at))
      enter(work, move.phase)
      draft.closed = false
  }
}

const NOT_NOTIFIED: NotificationDecision = { told: false, why: 'not_for_telling', until: null }

const enter = ({ draft, at }: Work, phase: RuleState['phase']): void => {
  if (draft.phase === phase) return
  draft.phase = phase
  draft.since = at
}

/** A new episode forgets all but what the rule remembers of the account. */
const open = ({ draft }: Work): void => {
  const { phase, since, memory, everKnown, toldAt, episode, dueAt } = draft
  Object.assign(draft, FIRST_STATE, { phase, since, memory, everKnown, toldAt, dueAt, episode: episode + 1 })
}

const fire = (work: Work, reason: string): void => {
  const { draft, rule, muteContext, at } = work
  enter(work, 'firing')
  draft.firedAt = at
  notify(work, 'firing', reason)
  if (!rule.momentary) return
  note(work, 'resolved', 'momentary', decideRecoveryNotification(rule, draft, muteContext, at))
  draft.closed = true
}

const notify = (work: Work, kind: TransitionKind, reason: string): void => {
  const { draft, at } = work
  const notifying = decideNotification(work.rule, draft, work.muteContext, at)
  note(work, kind, reason, notifying)
  if (notifying.told) {
    if (!draft.told) draft.toldAt = at
    draft.told = true
    draft.muted = null
  } else if (!draft.told) draft.muted = notifying.why
  if (!notifying.told && notifying.until !== null) look(draft, notifying.until)
}

/** While it fires: what was muted for a time is told when that time ends; what fires on is told again at each reminder. */
const notifyAgain = (work: Work): void => {
  const { draft, rule, at, muteContext } = work
  if (draft.muted === 'backfill') return
  const justNow = work.done.some(({ kind, reason }) => kind === 'firing' && reason !== 'relapsed')
  const snoozeOver = draft.snoozedUntil !== null && at >= draft.snoozedUntil
  const muteOver = !draft.told && draft.muted !== null && PASSING_MUTES.includes(draft.muted)
  if (snoozeOver) draft.snoozedUntil = null
  const remindAt = rule.reminderMs === null ? null : (draft.remindedAt ?? draft.firedAt ?? at) + rule.reminderMs
  if (!justNow) {
    if (snoozeOver || muteOver) {
      const notifying = decideNotification(rule, draft, muteContext, at)
      // An alert that waits for one reason after another says the newest.
      const moved = !notifying.told && isWaiting(draft) && notifying.why !== draft.muted
      if (snoozeOver || notifying.told || moved) renotify(work, snoozeOver ? 'snooze_over' : `${draft.muted}_over`)
      else if (notifying.until !== null) look(draft, notifying.until)
    } else if (remindAt !== null && at >= remindAt) remind(work)
  }
  if (draft.snoozedUntil !== null) look(draft, draft.snoozedUntil)
  // What is still to be told for the first time is not reminded of.
  const waiting = !draft.told && draft.muted !== null && PASSING_MUTES.includes(draft.muted)
  const next = (draft.remindedAt ?? draft.firedAt ?? at) + (rule.reminderMs ?? 0)
  if (rule.reminderMs !== null && !waiting && next > at) look(draft, next)
}

/** In quiet hours a reminder is put off, not left out. */
const remind = (work: Work): void => {
  const notifying = decideNotification(work.rule, work.draft, work.muteContext, work.at)
  if (!notifying.told && notifying.why === 'quiet_hours' && notifying.until !== null) look(work.draft, notifying.until)
  else renotify(work, 'still_firing')
}

const escalate = (work: Work): void => {
  const { draft, at } = work
  const decision = decideEscalation(work.rule, draft, work.muteContext, at)
  if (decision.due) {
    draft.escalatedAt = at
    note(work, 'escalated', 'unacknowledged', { told: true })
  } else if (decision.lookAt !== null) look(draft, decision.lookAt)
}

const renotify = (work: Work, reason: string): void => {
  work.draft.remindedAt = work.at
  notify(work, 'reminder', reason)
}

const note = (
  { draft, done, at }: Work,
  kind: TransitionKind,
  reason: string,
  notifying: NotificationDecision,
): void => {
  if (draft.closed) return
  draft.transitions += 1
  const told = notifying.told ? ({ told: true } as const) : ({ told: false, why: notifying.why } as const)
  done.push({ kind, reason, at, episode: draft.episode, position: draft.transitions, notifying: told })
}

const look = (draft: Draft, at: number): void => {
  draft.dueAt = earliest(draft.dueAt, at)
}

const isBelow = (rule: Rule, facts: Facts): boolean =>
  rule.kind === 'threshold' && (facts.band === 'at_risk' || facts.band === 'critical')

const isInScope = ({ filter }: Rule, facts: Facts, muteContext: MuteContext): boolean =>
  (filter.stages === undefined || filter.stages.includes(facts.stage)) &&
  (filter.traits === undefined ||
    Object.entries(filter.traits).every(([name, values]) => values.includes(muteContext.subject.traits[name])))
