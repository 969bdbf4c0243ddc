import type { Truth } from '#libs/contracts/three-valued.ts'
import type { Rule, RuleState } from './rule.ts'

/** Whether the rule applies: its filter may leave the account out, or the rule be switched off. */
export type Scope = 'in' | 'left_out' | 'switched_off'

export type ConditionResult = { readonly when: Truth; readonly recovers: Truth; readonly scope: Scope }

export type Move =
  | { readonly to: 'same' }
  | { readonly to: 'rest'; readonly phase: 'ok' | 'no_data' }
  | { readonly to: 'pending' }
  | { readonly to: 'firing'; readonly reason: 'crossed' | 'sustained' }
  | { readonly to: 'recovering' }
  | { readonly to: 'relapsed' }
  | {
      readonly to: 'resolved'
      readonly reason: 'recovered' | 'not_sustained' | Exclude<Scope, 'in'>
      readonly phase: 'ok' | 'no_data'
    }

/**
 * The next phase: ok -> pending -> firing -> recovering -> ok. `when` opens and `recovers` ends an
 * episode, each after its dwell. The margin between them, or an unknown result, changes nothing.
 */
export const nextMove = (
  rule: Pick<Rule, 'dwellMs' | 'recoverDwellMs'>,
  state: Pick<RuleState, 'phase' | 'since'>,
  { when, recovers, scope }: ConditionResult,
  at: number,
): Move => {
  const resting = when === null ? 'no_data' : 'ok'
  switch (state.phase) {
    case 'ok':
    case 'no_data':
      if (when === true) return rule.dwellMs === 0 ? { to: 'firing', reason: 'crossed' } : { to: 'pending' }
      return { to: 'rest', phase: resting }
    case 'pending':
      if (when === false) return { to: 'resolved', reason: scope === 'in' ? 'not_sustained' : scope, phase: resting }
      return when === true && at >= state.since + rule.dwellMs ? { to: 'firing', reason: 'sustained' } : { to: 'same' }
    case 'firing':
      if (scope !== 'in') return { to: 'resolved', reason: scope, phase: resting }
      if (when === true || recovers !== true) return { to: 'same' }
      return rule.recoverDwellMs === 0 ? { to: 'resolved', reason: 'recovered', phase: resting } : { to: 'recovering' }
    case 'recovering':
      if (scope !== 'in') return { to: 'resolved', reason: scope, phase: resting }
      if (when === true || recovers === false) return { to: 'relapsed' }
      if (recovers === null || at < state.since + rule.recoverDwellMs) return { to: 'same' }
      return { to: 'resolved', reason: 'recovered', phase: resting }
  }
}
