import type { StoryEvent } from './story.ts'

/**
 * Checks of one account against the events that were acknowledged for it, by sums of its own. Each
 * answers what is wrong, in words.
 */

export type ShownEvent = { readonly id: string; readonly source: string }
export type ShownChange = {
  readonly changeId: string
  readonly sequence: number
  readonly health: { readonly score: number | null; readonly previousScore: number | null; readonly band: string }
  readonly explanation: readonly { readonly delta: number }[]
  readonly facts: Readonly<Record<string, unknown>>
}
export type ShownHealth = {
  readonly at: string
  readonly score: number | null
  readonly sequence: number
  readonly groups: readonly {
    readonly factors: readonly { readonly factor: string; readonly value: number | null }[]
  }[]
}

const few = (items: Iterable<string>): string => [...items].slice(0, 5).join(', ')

export const checkTimeline = (shown: readonly ShownEvent[], acknowledged: ReadonlySet<string>): string[] => {
  const seen = shown.map(({ source, id }) => `${source}/${id}`)
  const distinct = new Set(seen)
  const lost = [...acknowledged].filter((id) => !distinct.has(id))
  const strange = [...distinct].filter((id) => !acknowledged.has(id))
  return [
    ...(lost.length > 0 ? [`${lost.length} acknowledged events are lost: ${few(lost)}`] : []),
    ...(strange.length > 0 ? [`${strange.length} events were never sent: ${few(strange)}`] : []),
    ...(seen.length > distinct.size ? [`${seen.length - distinct.size} events are shown twice`] : []),
  ]
}

const DAY_MS = 86_400_000
const dayOf = (at: string): number => Math.floor(Date.parse(at) / DAY_MS)
const ACTIVITY = new Set(['Signed In', 'Feature Used'])
const round4 = (value: number): number => Math.round(value * 10_000) / 10_000

/**
 * The counters that section 3a of the specification defines, of the distinct events, in UTC. A
 * double or lost event moves at least one of them.
 */
const countersOf = (events: readonly StoryEvent[], today: number): Readonly<Record<string, number | null>> => {
  const ago = (event: StoryEvent): number => today - dayOf(event.occurredAt)
  const acts = events.filter((event) => ACTIVITY.has(event.type))
  const recent = acts.filter((event) => ago(event) < 28)
  const core = acts.filter((event) => event.properties.core === true)
  const users = new Set(recent.flatMap((event) => event.userId ?? []))
  const known = new Set(acts.flatMap((event) => event.userId ?? []))
  const coreUsers = new Set(core.filter((event) => ago(event) < 28).flatMap((event) => event.userId ?? []))
  const current = 2 * core.filter((event) => ago(event) < 14).length
  const before = core.filter((event) => ago(event) >= 14 && ago(event) < 42).length
  const tickets = events.filter((event) => event.type === 'Support Ticket Opened')
  const recentTickets = tickets.filter((event) => ago(event) < 28)
  return {
    'usage.active_days': new Set(recent.map(ago)).size,
    'usage.active_ratio': known.size === 0 ? null : users.size / known.size,
    'usage.trend': before < 20 ? null : (current + 5) / (before + 5),
    'usage.recency': acts.length === 0 ? null : Math.min(...acts.map(ago)),
    'adoption.depth': users.size === 0 ? null : coreUsers.size / users.size,
    'support.ticket_rate': tickets.length === 0 ? null : (10 * recentTickets.length) / Math.max(1, users.size),
  }
}

export const checkCounters = (health: ShownHealth, events: readonly StoryEvent[]): string[] => {
  const shown = new Map(health.groups.flatMap((group) => group.factors.map(({ factor, value }) => [factor, value])))
  return Object.entries(countersOf(events, dayOf(health.at))).flatMap(([factor, expected]) => {
    const value = shown.get(factor) ?? null
    const same = expected === null ? value === null : value !== null && Math.abs(value - round4(expected)) < 0.00015
    return same ? [] : [`${factor} is ${value}, of the acknowledged events it is ${expected}`]
  })
}

/**
 * The changes, oldest first: numbered from 1 without a gap, each beginning where the one before
 * ended, each explained to the last decimal. A database that went back leaves gaps in the numbers,
 * which still grow.
 */
export const checkChanges = (changes: readonly ShownChange[], health: ShownHealth, rewound = false): string[] => {
  const wrong: string[] = []
  let score: number | null = null
  for (const [i, change] of changes.entries()) {
    const { sequence, health: moved, explanation } = change
    const before = changes[i - 1]?.sequence ?? 0
    if (rewound ? sequence <= before : sequence !== i + 1) return [`the change after ${i} has number ${sequence}`]
    if (i > 0 && moved.previousScore !== score)
      wrong.push(`change ${sequence} begins at ${moved.previousScore}, the one before ended at ${score}`)
    const sum = explanation.reduce((total, line) => total + Math.round(line.delta * 10_000), 0)
    const moves = Math.round(((moved.score ?? 0) - (moved.previousScore ?? 0)) * 10_000)
    if (sum !== moves)
      wrong.push(`the lines of change ${sequence} sum to ${sum / 10_000}, the score moves ${moves / 10_000}`)
    score = moved.score
  }
  const last = changes.at(-1)?.sequence ?? 0
  if (health.sequence !== last) wrong.push(`health is of change ${health.sequence}, the last is ${last}`)
  if (health.score !== score) wrong.push(`health says ${health.score}, the last change ${score}`)
  return wrong
}
