import { decideNotification, type MuteContext } from './decide-notification.ts'
import type { Rule, RuleState } from './rule.ts'

/** Now, or not before `lookAt` (null: only when something changes). */
export type EscalationDecision = { readonly due: true } | { readonly due: false; readonly lookAt: number | null }

/** An alert that was told, still fires and was not acknowledged is escalated once, some time after it was told first; what mutes it puts that off. */
export const decideEscalation = (
  rule: Rule,
  state: RuleState,
  muteContext: MuteContext,
  at: number,
): EscalationDecision => {
  const escalation = muteContext.operations?.escalation ?? null
  const isOpen = state.phase === 'firing' && !state.closed && state.told && state.acknowledgedAt === null
  const isWanted = rule.tells === 'alert' && !rule.momentary
  if (!escalation?.severities.includes(rule.severity) || !isOpen || !isWanted) return { due: false, lookAt: null }
  if (state.escalatedAt !== null || state.toldAt === null) return { due: false, lookAt: null }
  const dueAt = state.toldAt + escalation.afterMs
  if (at < dueAt) return { due: false, lookAt: dueAt }
  const notifying = decideNotification(rule, state, muteContext, at)
  return notifying.told ? { due: true } : { due: false, lookAt: notifying.until }
}
