import type { Stage } from '#libs/contracts/account-health.ts'

export type EndedBy = 'steps_and_first_value' | 'first_value' | 'target_passed' | 'bypass' | 'restarted'

/** A passage through a journey. An instant that has not come is Infinity. */
export type Run = {
  readonly journeyId: string
  readonly startAt: number
  /** First instant at which the run is no longer open. */
  readonly endAt: number
  readonly endedBy: EndedBy | null
  /** When a reported start replaces the journey that every account has: gone, not ended. */
  readonly goneAt: number
  /** Required steps; 0 when none is known. */
  readonly required: number
  /** Ids of the required steps; null: unknown. */
  readonly stepIds: readonly string[] | null
  /** First completions of required steps, earliest first. */
  readonly completions: readonly { readonly stepId: string; readonly at: number }[]
  /** `Onboarding Completed` does all steps. */
  readonly completedAt: number
  readonly firstValueAt: number
}

/** One stage, from `at` to the next span's. */
export type Span = { readonly at: number; readonly stage: Stage }

/** All spans of the known events, future windows and targets included. */
export type Timeline = { readonly runs: readonly Run[]; readonly spans: readonly Span[] }
