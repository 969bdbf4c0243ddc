import type { AccountHealth, Facts } from '#libs/contracts/account-health.ts'

export type AccountKey = { readonly tenantId: string; readonly accountId: string }

/** A source, or (without a name) all accounts of the tenant. */
export type MonitorKey = { readonly tenantId: string; readonly kind: 'source' | 'tenant'; readonly name: string }

/** An account, a source, or (neither) the tenant itself. */
export type AlertSubject = {
  readonly tenantId: string
  readonly accountId: string | null
  readonly source: string | null
}

/** The state of an account when it was last seen, as far as rules read it. */
export type Seen = {
  readonly facts: Facts
  readonly traits: Readonly<Record<string, unknown>>
  readonly backfill: boolean
  /** The inactivity cap took points of the score, or gave them back, in the last change. */
  readonly silenceCapMoved?: boolean
}

/** An account with the instant and the details that a notification shows. */
export type SeenHealth = Seen & {
  readonly at: number
  readonly health: AccountHealth['health']
  readonly explanation: AccountHealth['explanation']
}
