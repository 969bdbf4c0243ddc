import type { Stage } from '#libs/contracts/account-health.ts'
import type { Severity } from '#libs/contracts/severity.ts'
import { type Condition, type Memory, NO_MEMORY } from '../conditions/condition.ts'

/** The subject of a rule: an account, a source, or the number of inactive accounts of a tenant. */
export type About =
  | { readonly kind: 'account' }
  | { readonly kind: 'source'; readonly quietForMs: number; readonly sources: readonly string[] | null }
  | {
      readonly kind: 'tenant'
      /** So many accounts, and this share of the active ones, became inactive within the span. */
      readonly atLeast: number
      readonly share: number
      readonly withinMs: number
      /** How long an account's alert waits while an outage may be about to show. */
      readonly holdMs: number
    }

/** When a person should know. Durations are milliseconds. */
export type Rule = {
  readonly id: string
  readonly description: string
  /** A rule switched off ends its episodes and opens none. */
  readonly enabled: boolean
  readonly severity: Severity
  /** Threshold rules know nothing while the band is `insufficient_data`; hard signals do. */
  readonly kind: 'threshold' | 'hard_signal'
  readonly audience: 'customer-success' | 'operators'
  readonly about: About
  readonly when: Condition
  /** Ends the episode; default: `when` is false. */
  readonly recovers: Condition
  /** How long `when` must hold before the alert fires. */
  readonly dwellMs: number
  /** How long `recovers` must hold before the alert is resolved. */
  readonly recoverDwellMs: number
  /** Least time between two notified openings. */
  readonly cooldownMs: number
  /** Notified again this often while it fires; null: never. */
  readonly reminderMs: number | null
  /** The alert is about a moment, not a state: it is resolved as soon as it fired. */
  readonly momentary: boolean
  readonly tells: 'alert' | 'opportunity' | 'digest'
  /** While this rule's alert fires, it mutes these rules of the same account or of its accounts. */
  readonly mutes: readonly string[]
  readonly filter: {
    readonly stages?: readonly Stage[]
    readonly traits?: Readonly<Record<string, readonly unknown[]>>
  }
}

export type MuteReason =
  | 'backfill'
  | 'cooldown'
  | 'silenced'
  | 'snoozed'
  | 'acknowledged'
  | 'inhibited'
  | 'outage'
  | 'held'
  | 'quiet_hours'
  | 'digest_only'
  | 'no_data'
  | 'never_told'
  | 'not_for_telling'

/** Reasons that pass: an alert that still fires is notified when its reason ends. */
export const PASSING_MUTES: readonly MuteReason[] = [
  'cooldown',
  'silenced',
  'snoozed',
  'inhibited',
  'outage',
  'held',
  'quiet_hours',
]

export type Phase = 'ok' | 'no_data' | 'pending' | 'firing' | 'recovering'

/** State of one rule for one account or monitor. */
export type RuleState = {
  readonly phase: Phase
  /** When the phase was entered. */
  readonly since: number
  /** Number of the newest episode; 0 before the first. */
  readonly episode: number
  /** Transitions of the newest episode so far: numbers them. */
  readonly transitions: number
  readonly memory: Memory
  /** False until the rule's condition was known once. */
  readonly everKnown: boolean
  /** A person or a moment closed the episode: its recovery is awaited without a transition. */
  readonly closed: boolean
  readonly firedAt: number | null
  readonly remindedAt: number | null
  /** When an opening of this rule was last notified: the cooldown counts from it. */
  readonly toldAt: number | null
  /** Whether this episode was notified. */
  readonly told: boolean
  readonly muted: MuteReason | null
  readonly acknowledgedAt: number | null
  readonly snoozedUntil: number | null
  readonly escalatedAt: number | null
  /** When the rule must be evaluated again without news. */
  readonly dueAt: number | null
}

export const FIRST_STATE: RuleState = {
  phase: 'ok',
  since: 0,
  episode: 0,
  transitions: 0,
  memory: NO_MEMORY,
  everKnown: false,
  closed: false,
  firedAt: null,
  remindedAt: null,
  toldAt: null,
  told: false,
  muted: null,
  acknowledgedAt: null,
  snoozedUntil: null,
  escalatedAt: null,
  dueAt: null,
}

export type TransitionKind =
  | 'pending'
  | 'firing'
  | 'reminder'
  | 'recovering'
  | 'resolved'
  | 'acknowledged'
  | 'snoozed'
  | 'escalated'

export type Transition = {
  readonly kind: TransitionKind
  readonly reason: string
  readonly at: number
  readonly episode: number
  /** Counts from 1 within the episode: with the alert's id it names the transition. */
  readonly position: number
  readonly notifying: { readonly told: true } | { readonly told: false; readonly why: MuteReason }
}
