import type { Stage } from '#libs/contracts/account-health.ts'

export type EndedBy = 'steps_and_first_value' | 'first_value' | 'target_passed' | 'bypass' | 'restarted'

/** One passage through a journey. An instant that has not come is Infinity. */
export type Run = {
  readonly journeyId: string
  readonly startAt: number
  /** First instant at which the journey is no longer open. */
  readonly endAt: number
  readonly endedBy: EndedBy | null
  /** The journey that every account has until it reports a start: gone, not ended, from then on. */
  readonly goneAt: number
  /** Number of required steps; 0 when none are known. */
  readonly required: number
  /** Ids of the required steps where they are known. */
  readonly stepIds: readonly string[] | null
  /** First completions of required steps, earliest first. */
  readonly completions: readonly { readonly stepId: string; readonly at: number }[]
  /** `Onboarding Completed`, which does all steps. */
  readonly completedAt: number
  readonly firstValueAt: number
}

/** A span of one stage: from `at` to the next span's. */
export type Span = { readonly at: number; readonly stage: Stage }

/** All spans of the known events, future windows and targets included. */
export type Timeline = { readonly runs: readonly Run[]; readonly spans: readonly Span[] }
