import { FIRST_STATE, type RuleState } from '../core/alert/rule.ts'
import type { KeptState, RuleStates } from '../core/alert/rule-states.ts'

/** Stores only what differs from the first state, as most rules say nothing of most accounts. */
export const packStates = (states: RuleStates): object =>
  Object.fromEntries(
    Object.entries(states).map(([ruleId, kept]) => [ruleId, { v: kept.version, ...packed(kept.state) }]),
  )

export const unpackStates = (stored: object): RuleStates =>
  Object.fromEntries(
    Object.entries(stored as Record<string, { v: string } & Partial<RuleState>>).map(
      ([ruleId, { v, ...state }]): [string, KeptState] => [ruleId, { version: v, state: { ...FIRST_STATE, ...state } }],
    ),
  )

const packed = (state: RuleState): Partial<RuleState> =>
  Object.fromEntries(
    Object.entries(state).filter(([name, value]) =>
      name === 'memory' ? Object.keys(value as object).length > 0 : value !== FIRST_STATE[name as keyof RuleState],
    ),
  )
