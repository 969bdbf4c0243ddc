import type { SourceActivity } from '#libs/contracts/source-activity.ts'
import type { Sql } from '#libs/postgres/database.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import { ofSource, ofTenant, type Testimony } from '../alerts/alert-subject.ts'
import { type DecidedTransition, recordTransitions } from '../alerts/record-transitions.ts'
import type { AccountDecision, RuleInForce, Surroundings } from '../core/alert/decide-account.ts'
import { countedSince, decideSource, decideTenant, inhibitedBy, type QuietCount } from '../core/alert/decide-monitor.ts'
import { HUSHES } from '../core/alert/outage.ts'
import { policiesOf } from '../policy/policy-store.ts'
import { silencesOf } from '../policy/silence-store.ts'
import type { RuleBook } from '../rules/rule-store.ts'
import {
  checkHushedAccounts,
  claimDueSubjects,
  countQuiet,
  lockSubjects,
  outagesOf,
  type StoredSubject,
  type SubjectKey,
  type SubjectToSave,
  saveSubjects,
} from './monitor-store.ts'

/** Judges that sources were heard, in one transaction: of each source the newest instant counts, and one that is known is old news. */
export const judgeActivity = async (
  tx: Sql,
  book: RuleBook,
  messages: readonly SourceActivity[],
): Promise<SubjectsJudged> => {
  const newest = new Map<string, SourceActivity>()
  for (const message of messages) {
    const key = JSON.stringify([message.tenantId, message.source])
    const known = newest.get(key)
    if (!known || Date.parse(known.heardAt) <= Date.parse(message.heardAt)) newest.set(key, message)
  }
  const keys = [...newest.values()].map(
    ({ tenantId, source }): SubjectKey => ({ tenantId, kind: 'source', name: source }),
  )
  const subjects = await lockSubjects(tx, keys)
  const around = await surroundings(tx, book, subjects, 0)
  const judged: Judged[] = []
  for (const subject of subjects) {
    const message = newest.get(JSON.stringify([subject.tenantId, subject.name]))!
    const heardAt = Date.parse(message.heardAt)
    if (subject.seen && heardAt <= subject.seen.heardAt) continue
    const before = subject.seen
    const news = { heardAt, expectedIntervalHours: message.expectedIntervalHours }
    const decision = decideSource(subject, news, heardAt, around(subject))
    const seen = { at: Math.max(heardAt, before?.at ?? 0), ...news }
    judged.push({
      subject: { ...subject, seen },
      decision,
      testimony: (at) => ofSource(subject, before && at < heardAt ? before : news),
    })
  }
  return write(tx, judged, around)
}

/** How many were judged, the tenants at which an outage began or ended, and those at which one goes on. */
export type SubjectsJudged = {
  readonly subjects: number
  readonly turned: readonly string[]
  readonly ongoing: readonly string[]
}

const NOTHING: SubjectsJudged = { subjects: 0, turned: [], ongoing: [] }

/** Judges subjects at which something fell due by `now`. */
export const judgeDueSubjects = async (
  tx: Sql,
  book: RuleBook,
  now: number,
  limit: number,
): Promise<SubjectsJudged> => {
  const subjects = await claimDueSubjects(tx, now, limit)
  if (subjects.length === 0) return NOTHING
  const around = await surroundings(tx, book, subjects, now)
  const judged: Judged[] = []
  for (const subject of subjects)
    judged.push(
      subject.kind === 'source'
        ? judgeSource(subject, now, around(subject))
        : await judgeTenant(tx, subject, now, around(subject)),
    )
  return write(tx, judged, around)
}

/**
 * Alerts of accounts that wait for an outage to show or to end look again: in a transaction of its own, for accounts are locked before subjects. While one goes
 * on, some may have begun to wait for it without having seen it.
 */
export const lookAtHushed = async (
  tx: Sql,
  { turned, ongoing }: Omit<SubjectsJudged, 'subjects'>,
  now: number,
): Promise<void> => {
  await checkHushedAccounts(tx, turned, HUSHES, now)
  await checkHushedAccounts(tx, ongoing, ['held'], now)
}

type Judged = {
  readonly subject: StoredSubject
  readonly decision: AccountDecision
  readonly testimony: (at: number) => Testimony
}

const judgeSource = (subject: StoredSubject, now: number, around: Surroundings): Judged => {
  const seen = { ...subject.seen!, at: Math.max(now, subject.seen!.at) }
  const decision = decideSource(subject, null, seen.at, around)
  return { subject: { ...subject, seen }, decision, testimony: () => ofSource(subject, seen) }
}

const judgeTenant = async (tx: Sql, subject: StoredSubject, now: number, around: Surroundings): Promise<Judged> => {
  const counts = new Map<string, QuietCount>()
  for (const inForce of around.rules.filter(({ rule }) => rule.about.kind === 'tenant')) {
    const since = countedSince(subject.states, inForce, now)
    counts.set(inForce.rule.id, await countQuiet(tx, subject.tenantId, since))
  }
  const decision = decideTenant(subject.states, counts, now, around)
  const most = [...counts.values()].reduce((a, b) => (b.quiet > a.quiet ? b : a), { quiet: 0, active: 0 })
  return { subject, decision, testimony: () => ofTenant(subject, most) }
}

/**
 * Of a source that no model expects nobody knows whether it fails, or whether the accounts it tells of are just quiet: it explains that many are silent together,
 * but not that one is.
 */
const isExpected = ({ kind, seen }: StoredSubject): boolean => kind === 'tenant' || seen?.expectedIntervalHours !== null

const write = async (
  tx: Sql,
  judged: readonly Judged[],
  around: (subject: SubjectKey) => SubjectSurroundings,
): Promise<SubjectsJudged> => {
  if (judged.length === 0) return NOTHING
  const saved = judged.map(({ subject, decision }): SubjectToSave => {
    const mutes = inhibitedBy(around(subject).rules, decision.states)
    const inhibits = isExpected(subject) ? mutes : mutes.filter((ruleId) => around(subject).guardIds.has(ruleId))
    return { ...subject, states: decision.states, inhibits, nextCheckAt: decision.nextCheckAt }
  })
  await saveSubjects(tx, saved)
  failpoint('alerting.subjects.saved')
  const decided = judged.flatMap(({ decision, testimony }): DecidedTransition[] =>
    decision.transitions.map((one) => ({ ...one, ...testimony(one.at) })),
  )
  await recordTransitions(tx, decided)
  const isTurned = ({ subject }: Judged, i: number) => saved[i]!.inhibits.join() !== subject.inhibits.join()
  const tenantsOf = (some: readonly SubjectKey[]) => [...new Set(some.map(({ tenantId }) => tenantId))]
  return {
    subjects: judged.length,
    turned: tenantsOf(judged.filter(isTurned).map(({ subject }) => subject)),
    ongoing: tenantsOf(saved.filter(({ inhibits }) => inhibits.length > 0)),
  }
}

/** With the ids of the rules that watch all accounts. */
type SubjectSurroundings = Surroundings & { readonly guardIds: ReadonlySet<string> }

const surroundings = async (tx: Sql, book: RuleBook, subjects: readonly SubjectKey[], since: number) => {
  const tenantIds = [...new Set(subjects.map((subject) => subject.tenantId))]
  const rules = await book.rulesInForce(tx, tenantIds)
  const silences = await silencesOf(tx, tenantIds, since)
  const outages = await outagesOf(tx, tenantIds)
  const policies = await policiesOf(tx, tenantIds)
  return (subject: SubjectKey): SubjectSurroundings => {
    const { tenantId, kind } = subject
    const all = rules.get(tenantId) ?? []
    return {
      accountId: null,
      rules: rulesAbout(all, subject),
      guardIds: new Set(all.filter(({ rule }) => rule.about.kind === 'tenant').map(({ rule }) => rule.id)),
      silences: silences.get(tenantId) ?? [],
      policy: policies.get(tenantId) ?? null,
      // A silent source explains that many accounts are silent together; nothing explains that a source is.
      outages: kind === 'source' ? [] : (outages.get(tenantId) ?? []).map(({ mutes }) => ({ mutes, quietSince: null })),
    }
  }
}

const rulesAbout = (rules: readonly RuleInForce[], { kind, name }: SubjectKey): readonly RuleInForce[] =>
  rules
    .filter(({ rule }) => rule.about.kind === kind)
    .map((inForce) => {
      const { about } = inForce.rule
      // For a source that a rule leaves out the rule is switched off: that ends what it opened.
      const isOut = about.kind === 'source' && about.sources !== null && !about.sources.includes(name)
      return isOut ? { rule: { ...inForce.rule, enabled: false }, version: `${inForce.version}-` } : inForce
    })
