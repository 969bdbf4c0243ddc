import type { Received } from '../support/webhooks/webhook-receiver.ts'
import type { ShownChange } from './check-account.ts'
import type { Kind } from './story.ts'

export type ShownAlert = {
  readonly id: string
  readonly accountId: string
  readonly ruleId: string
  readonly episode: number
  readonly state: string
  readonly told: boolean
}

type Reading = 'holds' | 'over' | 'unknown'
const readings: Readonly<Record<string, (change: ShownChange) => Reading>> = {
  payment_failed: ({ facts }) => (facts.paymentFailedDays === null ? 'over' : 'holds'),
  silence: ({ facts }) => (facts.silentSince === null ? 'over' : 'holds'),
  detractor_received: ({ facts }) => (facts.detractorWithin90d === true ? 'holds' : 'over'),
  at_risk_entered: ({ health }) => bandReading(health.band, ['at_risk', 'critical']),
  critical_entered: ({ health }) => bandReading(health.band, ['critical']),
}
const bandReading = (band: string, bad: readonly string[]): Reading =>
  band === 'insufficient_data' ? 'unknown' : bad.includes(band) ? 'holds' : 'over'

/**
 * How often an account crossed each line, told from its published changes by the plainest rule
 * there is: it held, and did not hold before.
 */
const crossingsOf = (changes: readonly ShownChange[], ruleId: string): number => {
  let holding = false
  let crossings = 0
  for (const change of changes) {
    const reading = readings[ruleId]!(change)
    if (reading === 'holds' && !holding) crossings++
    if (reading !== 'unknown') holding = reading === 'holds'
  }
  return crossings
}

/** What the story leads to whatever the order in which its mass was counted. */
const SCRIPTED: Readonly<Record<Kind, Readonly<Record<string, number>>>> = {
  busy: { payment_failed: 0, silence: 0, detractor_received: 0 },
  quiet: { payment_failed: 0, silence: 1, detractor_received: 0 },
  failing: { payment_failed: 1, silence: 0, detractor_received: 0 },
  paid: { payment_failed: 1, silence: 0, detractor_received: 0 },
  'failing-again': { payment_failed: 2, silence: 0, detractor_received: 0 },
  detractor: { payment_failed: 0, silence: 0, detractor_received: 1 },
}

export const checkAlertsOfAccount = (
  kind: Kind,
  alerts: readonly ShownAlert[],
  changes: readonly ShownChange[],
  rewound = false,
): string[] =>
  Object.keys(readings).flatMap((ruleId) => {
    const episodes = alerts
      .filter((alert) => alert.ruleId === ruleId)
      .map((alert) => alert.episode)
      .sort((a, b) => a - b)
    const wrong: string[] = []
    const crossings = crossingsOf(changes, ruleId)
    const scripted = SCRIPTED[kind][ruleId]
    if (rewound) return checkAlertsOnceMore({ ruleId, episodes, crossings, scripted })
    if (episodes.some((episode, i) => episode !== i + 1)) wrong.push(`${ruleId} has the episodes ${episodes}`)
    if (episodes.length !== crossings) wrong.push(`${ruleId} has ${episodes.length} alerts for ${crossings} crossings`)
    if (scripted !== undefined && crossings !== scripted)
      wrong.push(`${ruleId} was crossed ${crossings} times, the story crosses it ${scripted} times`)
    return wrong
  })

type OnceMore = {
  readonly ruleId: string
  readonly episodes: readonly number[]
  readonly crossings: number
  readonly scripted: number | undefined
}

/**
 * Where a database went back, alerts know changes that were published and are then computed anew:
 * an account may cross a line more often for alerting than its changes say. None is lost, none is
 * without a crossing.
 */
const checkAlertsOnceMore = ({ ruleId, episodes, crossings, scripted = crossings }: OnceMore): string[] => [
  ...(new Set(episodes).size < episodes.length ? [`${ruleId} has the episodes ${episodes}`] : []),
  ...(episodes.length < Math.max(crossings, scripted)
    ? [`${ruleId} has ${episodes.length} alerts for ${crossings} crossings, in the story ${scripted}`]
    : []),
  ...(scripted === 0 && crossings === 0 && episodes.length > 0 && SURE.has(ruleId)
    ? [`${ruleId} has ${episodes.length} alerts, the story never crosses it`]
    : []),
]
const SURE = new Set(Object.keys(SCRIPTED.busy))

/**
 * Every call of the receiver is signed, one id has one body, and each alert that was told arrived
 * under one id.
 */
export const checkWebhooks = (received: readonly Received[], alerts: readonly ShownAlert[]): string[] => {
  const bodies = new Map<string, string>()
  const wrong: string[] = []
  for (const { id, body, verified } of received) {
    if (verified !== true) wrong.push(`webhook ${id} has no good signature`)
    if ((bodies.get(id) ?? body) !== body) wrong.push(`webhook ${id} came with two bodies`)
    bodies.set(id, body)
  }
  const known = new Set(alerts.map((alert) => alert.id))
  const idsOf = new Map<string, number>()
  for (const body of bodies.values()) {
    const { type, data } = JSON.parse(body) as { type: string; data: { alert: { id: string } } }
    if (!known.has(data.alert.id)) wrong.push(`a webhook speaks of alert ${data.alert.id}, which is not listed`)
    if (type === 'alert.firing') idsOf.set(data.alert.id, (idsOf.get(data.alert.id) ?? 0) + 1)
  }
  for (const { id, ruleId, accountId, told } of alerts) {
    const ids = idsOf.get(id) ?? 0
    if (ids !== (told ? 1 : 0))
      wrong.push(`alert ${ruleId} of ${accountId} was told by ${ids} webhooks, told is ${told}`)
  }
  return wrong
}
