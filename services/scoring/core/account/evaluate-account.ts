import type { Band } from '#libs/contracts/account-health.ts'
import { evaluate } from '../evaluation/evaluate.ts'
import type { Evaluation } from '../evaluation/evaluation.ts'
import type { SourceLog } from '../evaluation/source-log.ts'
import type { FoldContext } from '../state/fold.ts'
import type { Account } from './account.ts'

export type ScoringContext = FoldContext & {
  readonly sources: SourceLog
  /** Numbers of changes begin above it (sequence.ts). Absent: 0. */
  readonly sequenceFloor?: number
}

/** `previous` is the evaluation published before; null: none. */
export const evaluateAt = (
  account: Account,
  context: ScoringContext,
  at: number,
  previous: { readonly band: Band | null; readonly healthySince: number | null } | null,
): Evaluation =>
  evaluate({
    state: account.state,
    model: context.model,
    zone: context.zone,
    at,
    previousBand: previous?.band ?? null,
    healthySince: previous?.healthySince ?? null,
    override: account.override,
    sources: context.sources.silentAt(at),
  })
