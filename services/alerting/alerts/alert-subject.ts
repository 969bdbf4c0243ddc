import { toInstant } from '#libs/runtime/clock.ts'
import { derivedId } from '#libs/runtime/ids.ts'
import type { AccountKey, AlertSubject, MonitorKey, SeenHealth } from '../core/alert/subject.ts'
import type { InactiveCount, SourceSeen } from '../core/decision/decide-monitor.ts'

/** The subject of an alert, as known when a transition was decided. */
export type SubjectSnapshot = {
  readonly subject: AlertSubject
  /** Null for a source and for the tenant. */
  readonly seen: SeenHealth | null
  /** Kept with the alert when it opens. */
  readonly evidence: object
}

export const ofAccount = ({ tenantId, accountId }: AccountKey, seen: SeenHealth): SubjectSnapshot => ({
  subject: { tenantId, accountId, source: null },
  seen,
  evidence: {
    sequence: seen.facts.sequence,
    at: toInstant(seen.at),
    health: seen.health,
    explanation: seen.explanation,
    facts: seen.facts,
  },
})

export const ofSource = (
  { tenantId, name }: MonitorKey,
  { heardAt, expectedIntervalHours }: Omit<SourceSeen, 'at'>,
): SubjectSnapshot => ({
  subject: { tenantId, accountId: null, source: name },
  seen: null,
  evidence: { source: name, heardAt: toInstant(heardAt), expectedIntervalHours },
})

export const ofTenant = ({ tenantId }: MonitorKey, { inactive, active }: InactiveCount): SubjectSnapshot => ({
  subject: { tenantId, accountId: null, source: null },
  seen: null,
  evidence: { silentAccounts: inactive, activeAccounts: active },
})

/** The id is derived from the crossing: every process that finds the crossing gives the same id. */
export const alertIdOf = ({ tenantId, accountId, source }: AlertSubject, ruleId: string, episode: number): string => {
  if (accountId !== null) return derivedId('alert', tenantId, ruleId, accountId, episode)
  const about = source === null ? ['tenant'] : ['source', source]
  return derivedId('alert', tenantId, ruleId, ...about, episode)
}
