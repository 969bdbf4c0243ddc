import { toInstant } from '#libs/runtime/clock.ts'
import type { Rule, RuleState, Transition } from '../core/alert/rule.ts'
import type { AlertSubject, SeenHealth } from '../core/alert/subject.ts'
import type { WebhookType } from './notification.ts'

/** Receivers are promised less than 20 KB. */
const MAX_BODY_BYTES = 20_000
const MAX_LINES = 40

export type AlertInBody = {
  readonly id: string
  readonly ruleId: string
  readonly severity: Rule['severity']
  readonly episode: number
  readonly reason: string
  readonly firedAt: string | null
  readonly resolvedAt?: string
  readonly acknowledgedBy?: string
  /** The alert had a notification before, or would have had one without a mute. */
  readonly reminder?: boolean
}

export const alertInBody = (alertId: string, rule: Rule, state: RuleState, transition: Transition): AlertInBody => ({
  id: alertId,
  ruleId: rule.id,
  severity: rule.severity,
  episode: transition.episode,
  reason: transition.reason,
  firedAt: state.firedAt === null ? null : toInstant(state.firedAt),
  ...(transition.kind === 'resolved' ? { resolvedAt: toInstant(transition.at) } : {}),
  ...(transition.kind === 'reminder' ? { reminder: true } : {}),
})

export type BodyOptions = {
  readonly type: WebhookType
  readonly at: number
  readonly account: Pick<AlertSubject, 'tenantId' | 'accountId'>
  readonly seen: SeenHealth
  readonly extra: object
}

const texts = new WeakMap<object, string>()

/** The JSON of a body. Each body is turned into text once. */
export const textOf = (body: object): string => {
  const known = texts.get(body)
  if (known !== undefined) return known
  const text = JSON.stringify(body)
  texts.set(body, text)
  return text
}

/** A webhook body about an account. Keeps only the largest lines of the explanation that fit. */
export const accountBody = ({ type, at, account, seen, extra }: BodyOptions): object => {
  const lines = [...seen.explanation]
    .sort((a, b) => Math.abs(b.delta) - Math.abs(a.delta))
    .map(({ factor, delta, before, after, cause }) => ({ factor, delta, before, after, cause }))
  const topContributions = seen.facts.topContributions.slice(0, 10)
  const bodyWith = (count: number): object => ({
    type,
    timestamp: toInstant(at),
    data: {
      tenantId: account.tenantId,
      accountId: account.accountId,
      sequence: seen.facts.sequence,
      ...extra,
      health: seen.health,
      explanation: lines.slice(0, count),
      ...(count < lines.length ? { explanationCut: lines.length - count } : {}),
      facts: { ...seen.facts, topContributions },
    },
  })
  let count = Math.min(lines.length, MAX_LINES)
  let body = bodyWith(count)
  while (count > 0 && Buffer.byteLength(textOf(body)) >= MAX_BODY_BYTES) {
    count = Math.floor(count / 2)
    body = bodyWith(count)
  }
  return body
}
