import type { Facts } from '#libs/contracts/account-health.ts'
import type { Account } from '../core/account/account.ts'
import type { LogEntry } from '../core/account/apply-events.ts'
import type { ScoringContext } from '../core/account/evaluate-account.ts'
import type { Evaluation } from '../core/evaluation/evaluation.ts'
import type { FramePlace } from '../log/log-frames.ts'
import type { PageKind } from './account-store.ts'
import type { Columns } from './flush-table.ts'

type AccountRow = {
  readonly account: Account
  readonly baseVersion: number
  /** Stands for the account once it is erased. */
  readonly hash: Buffer
  readonly evaluation: Evaluation
  readonly facts: Facts
  readonly context: ScoringContext
  readonly state: Buffer
}
type SnapshotRow = { readonly account: Account; readonly baseVersion: number }
type PageRow = {
  readonly account: Account
  readonly kind: PageKind
  readonly page: number
  readonly bytes: Buffer
}
type LogRow = { readonly account: Account; readonly entry: LogEntry; readonly place: FramePlace }
type FrameRow = { readonly frame: number; readonly bytes: Buffer }

export const ACCOUNT_KEY: Columns<{ readonly account: Account }> = [
  { name: 'tenant_id', type: 'text', of: ({ account }) => account.tenantId },
  { name: 'account_id', type: 'text', of: ({ account }) => account.accountId },
]

const BASE_VERSION: Columns<SnapshotRow> = [{ name: 'base_version', type: 'int8', of: (row) => row.baseVersion }]

/** What a new account is given for good. */
export const ACCOUNT_BIRTH: Columns<AccountRow> = [{ name: 'account_hash', type: 'bytea', of: ({ hash }) => hash }]

export const ACCOUNT_VALUES: Columns<AccountRow> = [
  { name: 'version', type: 'int8', of: ({ account }) => account.version },
  { name: 'sequence', type: 'int8', of: ({ account }) => account.sequence },
  { name: 'state', type: 'bytea', of: ({ state }) => state },
  { name: 'user_count', type: 'int4', of: ({ account }) => account.state.userCount },
  { name: 'user_page_bits', type: 'int2', of: ({ account }) => account.users.bits() },
  { name: 'model_id', type: 'text', of: ({ context }) => context.model.model.id },
  { name: 'model_version', type: 'int4', of: ({ context }) => context.model.model.version },
  { name: 'name', type: 'text', of: ({ account }) => textOrNull(account.state.traits.name) },
  { name: 'owner_id', type: 'text', of: ({ facts }) => facts.ownerId },
  { name: 'score', type: 'float8', of: ({ evaluation }) => evaluation.score },
  { name: 'band', type: 'text', of: ({ evaluation }) => evaluation.band },
  { name: 'confidence', type: 'float8', of: ({ evaluation }) => evaluation.confidence },
  { name: 'stage', type: 'text', of: ({ evaluation }) => evaluation.stage },
  { name: 'mrr', type: 'float8', of: ({ facts }) => facts.mrr },
  { name: 'score_delta_7d', type: 'float8', of: ({ facts }) => facts.scoreDelta7d },
  { name: 'score_delta_28d', type: 'float8', of: ({ facts }) => facts.scoreDelta28d },
  {
    name: 'renewal_day',
    type: 'int4',
    of: ({ facts, context, evaluation }) =>
      facts.renewalInDays === null ? null : context.zone.dayOf(evaluation.at) + facts.renewalInDays,
  },
  { name: 'traits', type: 'jsonb', of: ({ account }) => jsonOrNull(account.state.traits) },
  { name: 'override', type: 'jsonb', of: ({ account }) => jsonOrNull(account.override) },
  { name: 'first_change_at', type: 'timestamptz', of: ({ account }) => account.firstChangeAt },
  { name: 'evaluated_at', type: 'timestamptz', of: ({ evaluation }) => evaluation.at },
  { name: 'next_evaluation_at', type: 'timestamptz', of: ({ evaluation }) => evaluation.nextEvaluationAt },
  { name: 'healthy_since', type: 'timestamptz', of: ({ evaluation }) => evaluation.healthySince },
]

const PAGE: Columns<PageRow> = [
  ...ACCOUNT_KEY,
  { name: 'kind', type: 'page_kind', of: ({ kind }) => kind },
  { name: 'page', type: 'int4', of: ({ page }) => page },
  { name: 'bytes', type: 'bytea', of: ({ bytes }) => bytes },
]

const LOG: Columns<LogRow> = [
  ...ACCOUNT_KEY,
  { name: 'version', type: 'int8', of: ({ entry }) => entry.version },
  { name: 'at', type: 'timestamptz', of: ({ entry }) => entry.evaluation.at },
  { name: 'first_occurred_at', type: 'timestamptz', of: ({ entry }) => firstOccurredAt(entry) },
  { name: 'last_occurred_at', type: 'timestamptz', of: ({ entry }) => lastOccurredAt(entry) },
  { name: 'ids', type: 'bytea', of: ({ entry }) => entry.ids },
  { name: 'sequence', type: 'int8', of: ({ entry }) => (entry.change === null ? null : entry.change.sequence) },
  { name: 'score', type: 'float8', of: ({ entry }) => entry.evaluation.score },
  { name: 'frame', type: 'int4', of: ({ place }) => place.frame },
  { name: 'events_at', type: 'int4', of: ({ place }) => place.eventsAt },
  { name: 'events_length', type: 'int4', of: ({ place }) => place.eventsLength },
  { name: 'change_length', type: 'int4', of: ({ place }) => place.changeLength },
]

const FRAME: Columns<FrameRow> = [
  { name: 'frame', type: 'int4', of: ({ frame }) => frame },
  { name: 'bytes', type: 'bytea', of: ({ bytes }) => bytes },
]

/** The tables of a flush, in the order of their parameters. */
export const FLUSH_TABLES = {
  account: [...ACCOUNT_KEY, ...BASE_VERSION, ...ACCOUNT_BIRTH, ...ACCOUNT_VALUES] as Columns<AccountRow>,
  snapshot: [...ACCOUNT_KEY, ...BASE_VERSION] as Columns<SnapshotRow>,
  page: PAGE,
  log: LOG,
  frame: FRAME,
} as const

const firstOccurredAt = ({ events }: LogEntry): number | null =>
  events.length === 0
    ? null
    : events.reduce((first, event) => Math.min(first, event.occurredAt), Number.POSITIVE_INFINITY)

const lastOccurredAt = ({ events }: LogEntry): number | null =>
  events.length === 0
    ? null
    : events.reduce((last, event) => Math.max(last, event.occurredAt), Number.NEGATIVE_INFINITY)

const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null)

/** Null for nothing and for an object without members. */
const jsonOrNull = (value: object | null): string | null => {
  if (value !== null) for (const _name in value) return JSON.stringify(value)
  return null
}
