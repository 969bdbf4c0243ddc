import { nextMove } from '../alert/alert-state-machine.ts'
import type { RuleState, Transition } from '../alert/rule.ts'
import { type AlertDecision, type AlertInput, type AlertStep, checkAt } from './alert-step.ts'
import { escalate } from './escalate.ts'
import { movePhase } from './move-phase.ts'
import { notifyAfterMute } from './notify-after-mute.ts'
import { notifyAfterSnooze } from './notify-after-snooze.ts'
import { remind } from './remind.ts'

const whileFiring =
  (step: AlertStep): AlertStep =>
  (decision, context) => {
    const { phase, closed, muted } = decision.state
    const fires = phase === 'firing' && !closed && muted !== 'backfill' && context.result.when !== null
    return fires ? step(decision, context) : decision
  }

const awaitDwell: AlertStep = (decision, { rule, result }) => {
  const { phase, since } = decision.state
  if (phase === 'pending' && result.when === true) return checkAt(decision, since + rule.dwellMs)
  if (phase === 'recovering' && result.recovers === true) return checkAt(decision, since + rule.recoverDwellMs)
  return decision
}

const NONE: readonly Transition[] = []

const STEPS: readonly AlertStep[] = [
  movePhase,
  whileFiring(notifyAfterSnooze),
  whileFiring(notifyAfterMute),
  whileFiring(remind),
  whileFiring(escalate),
  awaitDwell,
]

/** Every transition has a reason, and a second one if nobody is notified. */
export const decideAlert = (state: RuleState, input: AlertInput): AlertDecision => {
  const { rule, result, at } = input
  const { memory, dueAt } = result
  const move = nextMove(rule, state, result, at)
  const everKnown = state.everKnown || (result.scope === 'in' && result.when !== null)
  // By far the most rules say nothing of an account, and said nothing before.
  const rests = move.to === 'rest' && move.phase === state.phase && everKnown === state.everKnown
  if (rests && memory === state.memory && dueAt === state.dueAt) return { state, transitions: NONE }
  const opening = !state.everKnown && result.isBelow ? 'first_known_below' : 'crossed'
  const start: AlertDecision = { state: { ...state, dueAt, memory, everKnown }, transitions: NONE }
  const context = { ...input, move, opening } as const
  return STEPS.reduce((decision, step) => step(decision, context), start)
}
