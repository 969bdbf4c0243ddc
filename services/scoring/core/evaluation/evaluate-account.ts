import type { Band } from '#libs/contracts/account-health.ts'
import type { Account } from '../account/account.ts'
import type { ScoringContext } from '../account/apply-events.ts'
import { evaluate } from './evaluate.ts'
import type { Evaluation } from './evaluation.ts'

/** The account as it is counted, at an instant; `previous` is what was published before. */
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
