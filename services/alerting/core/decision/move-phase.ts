import { nextEpisode } from '#libs/contracts/sequence.ts'
import { decideRecoveryNotification, type NotificationDecision } from '../alert/decide-notification.ts'
import { FIRST_STATE, type Phase } from '../alert/rule.ts'
import { type AlertDecision, type AlertStep, change, record, type StepContext } from './alert-step.ts'
import { notify } from './notify.ts'

const NOT_NOTIFIED: NotificationDecision = { told: false, why: 'not_for_telling', until: null }

export const movePhase: AlertStep = (decision, context) => {
  const { move, at, opening } = context
  switch (move.to) {
    case 'same':
      return decision
    case 'rest':
      return enter(decision, move.phase, at)
    case 'pending':
      return record(enter(open(decision, context), 'pending', at), at, {
        kind: 'pending',
        reason: opening,
        notification: NOT_NOTIFIED,
      })
    case 'firing':
      return decision.state.phase === 'pending'
        ? fire(decision, context, move.reason)
        : fire(open(decision, context), context, opening)
    case 'recovering':
      return record(enter(decision, 'recovering', at), at, {
        kind: 'recovering',
        reason: 'recovery_seen',
        notification: NOT_NOTIFIED,
      })
    case 'relapsed':
      return record(enter(decision, 'firing', at), at, {
        kind: 'firing',
        reason: 'relapsed',
        notification: NOT_NOTIFIED,
      })
    case 'resolved':
      return change(enter(resolve(decision, context, move.reason), move.phase, at), { closed: false })
  }
}

const enter = (decision: AlertDecision, phase: Phase, at: number): AlertDecision =>
  decision.state.phase === phase ? decision : change(decision, { phase, since: at })

/** A new episode keeps only what the rule remembers of its subject. */
const open = (decision: AlertDecision, { epoch }: StepContext): AlertDecision => {
  const { phase, since, memory, everKnown, toldAt, dueAt } = decision.state
  const episode = nextEpisode(decision.state.episode, epoch?.() ?? 0)
  return change(decision, { ...FIRST_STATE, phase, since, memory, everKnown, toldAt, dueAt, episode })
}

const fire = (decision: AlertDecision, context: StepContext, reason: string): AlertDecision => {
  const firing = change(enter(decision, 'firing', context.at), { firedAt: context.at })
  const fired = notify(firing, context, { kind: 'firing', reason })
  return context.rule.momentary ? change(resolve(fired, context, 'momentary'), { closed: true }) : fired
}

const resolve = (decision: AlertDecision, { rule, muteContext, at }: StepContext, reason: string): AlertDecision =>
  record(decision, at, {
    kind: 'resolved',
    reason,
    notification: decideRecoveryNotification(rule, decision.state, muteContext, at),
  })
