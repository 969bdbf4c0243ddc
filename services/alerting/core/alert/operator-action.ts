import { earliest } from '../conditions/condition.ts'
import type { MuteReason, RuleState, Transition, TransitionKind } from './rule.ts'

export type OperatorAction =
  | { readonly do: 'acknowledge' }
  | { readonly do: 'snooze'; readonly until: number }
  | { readonly do: 'resolve' }

export type ActionDecision =
  | { readonly done: true; readonly state: RuleState; readonly transitions: readonly Transition[] }
  | { readonly done: false; readonly reason: 'not_open' }

/**
 * A person's action: an acknowledgement ends reminders, a snooze mutes the alert for a time, and a
 * resolution closes the episode. Only a recovery and a new crossing open another episode.
 */
export const decideOperatorAction = (
  state: RuleState,
  episode: number,
  action: OperatorAction,
  at: number,
): ActionDecision => {
  const isOpen = state.phase === 'pending' || state.phase === 'firing' || state.phase === 'recovering'
  if (!isOpen || state.closed || state.episode !== episode) return { done: false, reason: 'not_open' }
  const note = (kind: TransitionKind, reason: string, mute: MuteReason | null): Transition => ({
    kind,
    reason,
    at,
    episode,
    position: state.transitions + 1,
    notifying: mute === null ? { told: true } : { told: false, why: mute },
  })
  const counted = { ...state, transitions: state.transitions + 1 }
  switch (action.do) {
    case 'acknowledge':
      if (state.acknowledgedAt !== null) return { done: true, state, transitions: [] }
      return {
        done: true,
        state: { ...counted, acknowledgedAt: at },
        transitions: [note('acknowledged', 'by_hand', state.muted === 'backfill' ? 'backfill' : null)],
      }
    case 'snooze':
      return {
        done: true,
        state: { ...counted, snoozedUntil: action.until, dueAt: earliest(state.dueAt, action.until) },
        transitions: [note('snoozed', 'by_hand', 'not_for_telling')],
      }
    case 'resolve':
      return {
        done: true,
        state: { ...counted, phase: 'firing', since: at, closed: true, dueAt: null },
        transitions: [note('resolved', 'by_hand', state.told ? null : 'never_told')],
      }
  }
}
