import type { Database } from '#libs/postgres/database.ts'
import type { HostileReceiver } from './hostile-receiver.ts'
import type { NotifiedTransition } from './imagine-alerts.ts'

/** Everything that must be told of every account until the last instant. */
export type Expected = ReadonlyMap<string, readonly NotifiedTransition[]>

const few = (items: readonly string[]): string => items.slice(0, 5).join('; ')

/** Both ways: what is missing and what nobody expected, a repetition included. */
const compare = (what: string, expected: readonly string[], found: readonly string[]): string[] => {
  const count = (items: readonly string[]) => {
    const counts = new Map<string, number>()
    for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1)
    return counts
  }
  const [wanted, there] = [count(expected), count(found)]
  const missing = [...wanted].filter(([item, times]) => (there.get(item) ?? 0) < times).map(([item]) => item)
  const surplus = [...there].filter(([item, times]) => times > (wanted.get(item) ?? 0)).map(([item]) => item)
  return [
    ...(missing.length > 0 ? [`${missing.length} ${what} are missing: ${few(missing)}`] : []),
    ...(surplus.length > 0 ? [`${surplus.length} ${what} are too many: ${few(surplus)}`] : []),
  ]
}

const all = <Line>(
  expected: Expected,
  toLine: (accountId: string, one: NotifiedTransition) => Line | undefined,
): Line[] => [...expected].flatMap(([accountId, told]) => told.flatMap((one) => toLine(accountId, one) ?? []))

const instant = (at: number): string => new Date(at).toISOString()

/** The alerts and their transitions as they are stored, against those that must be. */
export const checkTransitions = async (database: Database, expected: Expected, until: number): Promise<string[]> => {
  const rows = await database.query<NotifiedTransition & { accountId: string; told: boolean; muted: string | null }>(
    `select a.account_id as "accountId", a.rule_id as "ruleId", a.episode, t.position, t.kind, t.reason, t.at, t.told, t.muted
       from alerting.alert a join alerting.alert_transition t on t.alert_id = a.alert_id
      where t.at <= to_timestamp($1::double precision / 1000)`,
    [until],
  )
  const toLine = (
    accountId: string,
    { ruleId, episode, position, kind, reason, at, why }: NotifiedTransition,
  ): string => [accountId, ruleId, `${episode}.${position}`, kind, reason, instant(at), why].join(' ')
  const found = rows.map((row) => toLine(row.accountId, { ...row, why: row.told ? 'true' : String(row.muted) }))
  const alerts = await database.query<{ account: string; rule: string; episode: number }>(
    `select account_id as account, rule_id as rule, episode from alerting.alert
      where opened_at <= to_timestamp($1::double precision / 1000)`,
    [until],
  )
  const episodes = all(expected, (accountId, { ruleId, episode, position }) =>
    position === 1 ? `${accountId} ${ruleId} ${episode}` : undefined,
  )
  return [
    ...compare(
      'alerts',
      episodes,
      alerts.map(({ account, rule, episode }) => `${account} ${rule} ${episode}`),
    ),
    ...compare('transitions', all(expected, toLine), found),
  ]
}

const typeOf = ({ ruleId, kind }: NotifiedTransition): string | undefined => {
  if (kind === 'resolved') return 'alert.resolved'
  return ruleId === 'expansion_ready' ? 'opportunity.detected' : 'alert.firing'
}

type Body = {
  readonly type: string
  readonly timestamp: string
  readonly data: { readonly accountId: string; readonly alert: { readonly ruleId: string; readonly episode: number } }
}

/** Each transition that was told arrived under one id of its own, and was taken in the end. */
export const checkArrivals = (receiver: HostileReceiver, expected: Expected, until: number): string[] => {
  const found: string[] = []
  const refused: string[] = []
  for (const [id, { body, accepted }] of receiver.arrivals) {
    const { type, timestamp, data } = JSON.parse(body) as Body
    if (Date.parse(timestamp) > until) continue
    found.push([data.accountId, data.alert.ruleId, data.alert.episode, type, timestamp].join(' '))
    if (!accepted) refused.push(id)
  }
  const wanted = all(expected, (accountId, one) =>
    one.why === 'true' ? [accountId, one.ruleId, one.episode, typeOf(one), instant(one.at)].join(' ') : undefined,
  )
  return [
    ...receiver.wrong.slice(0, 20),
    ...compare('webhooks', wanted, found),
    ...(refused.length > 0 ? [`${refused.length} webhooks were never taken: ${few(refused)}`] : []),
  ]
}

export type SeenEvent = {
  readonly accountId: string
  readonly ruleId: string
  readonly episode: number
  readonly transition: string
  readonly at: string
}

/**
 * `alert.events` bears every transition but the reminders, at least once, and those of one account
 * in their order.
 */
export const checkEvents = (events: readonly SeenEvent[], expected: Expected, until: number): string[] => {
  const lines: string[] = []
  const latest = new Map<string, string>()
  const disordered: string[] = []
  const known = new Set<string>()
  for (const { accountId, ruleId, episode, transition, at } of events) {
    if (Date.parse(at) > until) continue
    const line = [accountId, ruleId, episode, transition, at].join(' ')
    if (known.has(line)) continue
    known.add(line)
    lines.push(line)
    if ((latest.get(accountId) ?? '') > at) disordered.push(line)
    latest.set(accountId, at)
  }
  const wanted = all(expected, (accountId, one) =>
    one.kind === 'reminder' ? undefined : [accountId, one.ruleId, one.episode, one.kind, instant(one.at)].join(' '),
  )
  return [
    ...compare('events', wanted, lines),
    ...(disordered.length > 0
      ? [`${disordered.length} events overtook others of their account: ${few(disordered)}`]
      : []),
  ]
}
