import { toInstant } from '#libs/runtime/clock.ts'
import { derivedId } from '#libs/runtime/ids.ts'
import type { QuietCount, SourceSeen } from '../core/alert/decide-monitor.ts'
import type { AccountKey, SeenHealth } from '../evaluation/account-store.ts'
import type { MonitorKey } from '../evaluation/monitor-store.ts'
import type { WebhookType } from '../notifications/notification.ts'
import { accountBody } from '../notifications/payload.ts'

/** What an alert is about: an account, a source, or (neither) the tenant itself. */
export type AlertSubject = {
  readonly tenantId: string
  readonly accountId: string | null
  readonly source: string | null
}

/** What was seen of it when something was decided, for those who are told. */
export type SubjectSnapshot = {
  readonly ownerId: string | null
  readonly traits: Readonly<Record<string, unknown>>
  /** Of the account's newest change; 0 for what is no account. */
  readonly sequence: number
  /** Kept with the alert when it opens. */
  readonly evidence: object
  readonly body: (type: WebhookType, at: number, extra: object) => object
}

export type AlertSubjectSnapshot = { readonly subject: AlertSubject; readonly snapshot: SubjectSnapshot }

export const ofAccount = ({ tenantId, accountId }: AccountKey, seen: SeenHealth): AlertSubjectSnapshot => ({
  subject: { tenantId, accountId, source: null },
  snapshot: {
    ownerId: seen.facts.ownerId,
    traits: seen.traits,
    sequence: seen.facts.sequence,
    evidence: {
      sequence: seen.facts.sequence,
      at: toInstant(seen.at),
      health: seen.health,
      explanation: seen.explanation,
      facts: seen.facts,
    },
    body: (type, at, extra) => accountBody({ type, at, account: { tenantId, accountId }, seen, extra }),
  },
})

export const ofSource = (
  key: MonitorKey,
  { heardAt, expectedIntervalHours }: Omit<SourceSeen, 'at'>,
): AlertSubjectSnapshot =>
  ofMonitor(
    { tenantId: key.tenantId, accountId: null, source: key.name },
    { source: key.name, heardAt: toInstant(heardAt), expectedIntervalHours },
  )

export const ofTenant = (key: MonitorKey, { quiet, active }: QuietCount): AlertSubjectSnapshot =>
  ofMonitor(
    { tenantId: key.tenantId, accountId: null, source: null },
    { silentAccounts: quiet, activeAccounts: active },
  )

export const ofMonitor = (subject: AlertSubject, evidence: object): AlertSubjectSnapshot => ({
  subject,
  snapshot: {
    ownerId: null,
    traits: {},
    sequence: 0,
    evidence,
    body: (type, at, extra) => ({
      type,
      timestamp: toInstant(at),
      data: { tenantId: subject.tenantId, ...evidence, ...extra },
    }),
  },
})

/** The same for the same crossing, whoever finds it. */
export const alertIdOf = ({ tenantId, accountId, source }: AlertSubject, ruleId: string, episode: number): string => {
  if (accountId !== null) return derivedId('alert', tenantId, ruleId, accountId, episode)
  const about = source === null ? ['tenant'] : ['source', source]
  return derivedId('alert', tenantId, ruleId, ...about, episode)
}
