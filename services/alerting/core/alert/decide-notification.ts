import { type Escalation, type QuietHours, quietUntil } from './notification-policy.ts'
import type { MuteReason, Rule, RuleState } from './rule.ts'
import { type Silence, type SilenceSubject, silencedUntil } from './silence.ts'

/** What can mute the notification of a transition; the transition happens all the same. */
export type MuteContext = {
  readonly subject: SilenceSubject
  readonly silences: readonly Silence[]
  /** A rule whose alert fires for the same account and mutes this one; null when none does. */
  readonly inhibitedBy: string | null
  /** Only backfilled events led here. */
  readonly backfill: boolean
  /** Absent: no outage, no quiet hours, no escalation. */
  readonly operations?: Operations | undefined
}

export type Operations = {
  /** An outage explains the alert. */
  readonly outage: boolean
  /** How long the alert waits to see whether an outage explains it; 0: not at all. */
  readonly holdMs: number
  readonly quiet: QuietHours | null
  readonly escalation: Pick<Escalation, 'afterMs' | 'severities'> | null
}

export type NotificationDecision =
  | { readonly told: true }
  | { readonly told: false; readonly why: MuteReason; readonly until: number | null }

/** An alert that still fires when its mute ends is notified then: no lasting problem is missed. */
export const decideNotification = (
  rule: Rule,
  state: RuleState,
  muteContext: MuteContext,
  at: number,
): NotificationDecision => {
  if (muteContext.backfill || state.muted === 'backfill') return mute('backfill', null)
  if (rule.tells === 'digest') return mute('digest_only', null)
  if (state.acknowledgedAt !== null) return mute('acknowledged', null)
  if (state.snoozedUntil !== null && at < state.snoozedUntil) return mute('snoozed', state.snoozedUntil)
  if (state.toldAt !== null && !state.told && at < state.toldAt + rule.cooldownMs)
    return mute('cooldown', state.toldAt + rule.cooldownMs)
  const silenced = silencedUntil(muteContext.silences, rule, muteContext.subject, at)
  if (silenced !== null) return mute('silenced', silenced)
  if (muteContext.inhibitedBy !== null) return mute('inhibited', null)
  if (muteContext.operations?.outage) return mute('outage', null)
  const heldUntil = (state.firedAt ?? at) + (muteContext.operations?.holdMs ?? 0)
  if (at < heldUntil) return mute('held', heldUntil)
  const quiet = quietUntil(muteContext.operations?.quiet ?? null, rule.severity, at)
  if (quiet !== null) return mute('quiet_hours', quiet)
  return { told: true }
}

/** A recovery is notified if the opening was. */
export const decideRecoveryNotification = (
  rule: Rule,
  state: RuleState,
  muteContext: MuteContext,
  at: number,
): NotificationDecision => {
  if (muteContext.backfill) return mute('backfill', null)
  if (rule.momentary || rule.tells !== 'alert') return mute('not_for_telling', null)
  if (!state.told) return mute('never_told', null)
  const silenced = silencedUntil(muteContext.silences, rule, muteContext.subject, at)
  return silenced === null ? { told: true } : mute('silenced', silenced)
}

const mute = (why: MuteReason, until: number | null): NotificationDecision => ({ told: false, why, until })
