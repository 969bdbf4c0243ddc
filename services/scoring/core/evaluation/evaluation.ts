import type { Band, Facts, Stage } from '#libs/contracts/account-health.ts'
import type { CapName } from '#libs/contracts/health-model.ts'
import type { Measured } from './measurements.ts'

export type CapResult = { readonly cap: CapName; readonly limit: number; readonly delta: number }

export type Override = {
  readonly score: number
  readonly reason: string
  readonly author: string
  readonly setAt: number
  readonly expiresAt: number
}

/** Facts without what only the stored history knows. */
export type CoreFacts = Omit<Facts, 'scoreDelta7d' | 'scoreDelta28d' | 'sequence'>

/** An account at one instant. Published numbers are rounded to 4 decimals. */
export type Evaluation = {
  readonly at: number
  /** After caps and override; null when no group has data. */
  readonly score: number | null
  /** After caps, before an override. */
  readonly computedScore: number | null
  readonly band: Band
  readonly confidence: number
  readonly stage: Stage
  readonly stageEnteredAt: number | null
  /** Since when the published band is healthy; null: it is not. */
  readonly healthySince: number | null
  /** `groupsOf` shows it as published. */
  readonly measured: Measured
  /** All that hold; the lowest bears the delta. */
  readonly caps: readonly CapResult[]
  readonly override: Override | null
  readonly facts: CoreFacts
  /** The earliest instant at which time alone can change something; null: never. */
  readonly nextEvaluationAt: number | null
}
