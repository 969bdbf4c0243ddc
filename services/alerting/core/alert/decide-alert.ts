import type { Facts } from '#libs/contracts/account-health.ts'
import { earliest, type Memory, NO_MEMORY } from '../conditions/condition.ts'
import { evaluate } from '../conditions/evaluate-condition.ts'
import { decideMove, type Move, type Reading } from './alert-state-machine.ts'
import { decideEscalation } from './decide-escalation.ts'
import { type Desk, decideTelling, decideTellingRecovery, type Telling } from './decide-notification.ts'
import { isWaiting } from './outage.ts'
import { FIRST_STATE, PASSING_MUTES, type Rule, type RuleState, type Transition, type TransitionKind } from './rule.ts'

/** Facts of one account at one instant. */
export type Sight = {
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
  readonly desk: Desk
  readonly done: Transition[]
}

/**
 * One step in the life of an account's alert. Every transition bears a reason, and why it was not told when it was not;
 * `state.dueAt` says when to look again if nothing new is seen until then.
 */
export const decideAlert = (rule: Rule, state: RuleState, sight: Sight, desk: Desk): AlertDecision => {
  const reading = read(rule, state, sight, desk)
  const { when, recovers, memory, dueAt } = reading
  const move = decideMove(rule, state, reading, sight.at)
  const everKnown = state.everKnown || (reading.scope === 'in' && when !== null)
  // By far the most rules say nothing of an account, and said nothing before.
  const isAtRest = move.to === 'rest' && move.phase === state.phase
  if (isAtRest && everKnown === state.everKnown && memory === state.memory && dueAt === state.dueAt)
    return { state, transitions: NONE }
  const draft: Draft = { ...state, dueAt, memory, everKnown }
  const work: Work = { rule, draft, at: sight.at, desk, done: [] }
  make(work, move, !state.everKnown && isBelow(rule, sight.facts))
  if (draft.phase === 'firing' && !draft.closed && when !== null) tellAgain(work)
  if (draft.phase === 'firing' && when !== null) escalate(work)
  if (draft.phase === 'pending' && when === true) look(draft, draft.since + rule.dwellMs)
  if (draft.phase === 'recovering' && recovers === true) look(draft, draft.since + rule.recoverDwellMs)
  return { state: draft, transitions: work.done }
}

const NONE: readonly Transition[] = []

type Remembered = Reading & { readonly memory: Memory; readonly dueAt: number | null }

/** Threshold rules know nothing while the band is `insufficient_data`; what they remember stays. */
const read = (rule: Rule, { memory }: RuleState, sight: Sight, desk: Desk): Remembered => {
  const out = { when: false, recovers: true, dueAt: null } as const
  if (!rule.enabled) return { ...out, scope: 'switched_off', memory }
  if (!isInScope(rule, sight.facts, desk)) return { ...out, scope: 'left_out', memory: NO_MEMORY }
  if (rule.kind === 'threshold' && sight.facts.band === 'insufficient_data')
    return { when: null, recovers: null, scope: 'in', memory, dueAt: null }
  const verdict = evaluate(rule, sight, memory)
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
      note(work, 'pending', firstKnownBelow ? 'first_known_below' : 'crossed', NOT_FOR_TELLING)
      break
    case 'firing':
      if (draft.phase !== 'pending') open(work)
      fire(work, move.reason === 'crossed' && firstKnownBelow ? 'first_known_below' : move.reason)
      break
    case 'recovering':
      enter(work, 'recovering')
      note(work, 'recovering', 'recovery_seen', NOT_FOR_TELLING)
      break
    case 'relapsed':
      enter(work, 'firing')
      note(work, 'firing', 'relapsed', NOT_FOR_TELLING)
      break
    case 'resolved':
      note(work, 'resolved', move.reason, decideTellingRecovery(work.rule, draft, work.desk, work.at))
      enter(work, move.phase)
      draft.closed = false
  }
}

const NOT_FOR_TELLING: Telling = { told: false, why: 'not_for_telling', until: null }

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
  const { draft, rule, desk, at } = work
  enter(work, 'firing')
  draft.firedAt = at
  tell(work, 'firing', reason)
  if (!rule.momentary) return
  note(work, 'resolved', 'momentary', decideTellingRecovery(rule, draft, desk, at))
  draft.closed = true
}

const tell = (work: Work, kind: TransitionKind, reason: string): void => {
  const { draft, at } = work
  const telling = decideTelling(work.rule, draft, work.desk, at)
  note(work, kind, reason, telling)
  if (telling.told) {
    if (!draft.told) draft.toldAt = at
    draft.told = true
    draft.muted = null
  } else if (!draft.told) draft.muted = telling.why
  if (!telling.told && telling.until !== null) look(draft, telling.until)
}

/** While it fires: what was muted for a time is told when that time ends; what fires on is told again at each reminder. */
const tellAgain = (work: Work): void => {
  const { draft, rule, at, desk } = work
  if (draft.muted === 'backfill') return
  const justNow = work.done.some(({ kind, reason }) => kind === 'firing' && reason !== 'relapsed')
  const snoozeOver = draft.snoozedUntil !== null && at >= draft.snoozedUntil
  const muteOver = !draft.told && draft.muted !== null && PASSING_MUTES.includes(draft.muted)
  if (snoozeOver) draft.snoozedUntil = null
  const remindAt = rule.reminderMs === null ? null : (draft.remindedAt ?? draft.firedAt ?? at) + rule.reminderMs
  if (!justNow) {
    if (snoozeOver || muteOver) {
      const telling = decideTelling(rule, draft, desk, at)
      // An alert that waits for one reason after another says the newest.
      const moved = !telling.told && isWaiting(draft) && telling.why !== draft.muted
      if (snoozeOver || telling.told || moved) retell(work, snoozeOver ? 'snooze_over' : `${draft.muted}_over`)
      else if (telling.until !== null) look(draft, telling.until)
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
  const telling = decideTelling(work.rule, work.draft, work.desk, work.at)
  if (!telling.told && telling.why === 'quiet_hours' && telling.until !== null) look(work.draft, telling.until)
  else retell(work, 'still_firing')
}

const escalate = (work: Work): void => {
  const { draft, at } = work
  const decision = decideEscalation(work.rule, draft, work.desk, at)
  if (decision.due) {
    draft.escalatedAt = at
    note(work, 'escalated', 'unacknowledged', { told: true })
  } else if (decision.lookAt !== null) look(draft, decision.lookAt)
}

const retell = (work: Work, reason: string): void => {
  work.draft.remindedAt = work.at
  tell(work, 'reminder', reason)
}

const note = ({ draft, done, at }: Work, kind: TransitionKind, reason: string, telling: Telling): void => {
  if (draft.closed) return
  draft.transitions += 1
  const told = telling.told ? ({ told: true } as const) : ({ told: false, why: telling.why } as const)
  done.push({ kind, reason, at, episode: draft.episode, position: draft.transitions, telling: told })
}

const look = (draft: Draft, at: number): void => {
  draft.dueAt = earliest(draft.dueAt, at)
}

const isBelow = (rule: Rule, facts: Facts): boolean =>
  rule.kind === 'threshold' && (facts.band === 'at_risk' || facts.band === 'critical')

const isInScope = ({ filter }: Rule, facts: Facts, desk: Desk): boolean =>
  (filter.stages === undefined || filter.stages.includes(facts.stage)) &&
  (filter.traits === undefined ||
    Object.entries(filter.traits).every(([name, values]) => values.includes(desk.subject.traits[name])))
