import type { Facts } from '#libs/contracts/account-health.ts'
import type { Seen } from '../alert/decide-account.ts'
import type { FactName } from '../conditions/condition.ts'

export type SeenAt = { readonly at: number; readonly seen: Seen }

/** A change as it is kept: its instant, then position and value of all that differs from the change before. */
export type PackedChange = readonly [at: number, ...positionsAndValues: unknown[]]

/** Changes kept together. A whole one can be read without those before it. */
export type FactRow = {
  /** Of the first change. */
  readonly sequence: number
  /** Of the last change. */
  readonly at: number
  readonly whole: boolean
  readonly changes: readonly PackedChange[]
}

/** An account that changes has a whole row in each of these spans. */
export const WHOLE_EVERY_MS = 7 * 86_400_000

const BACKFILL = 0
const TRAITS = 1
/** Positions stand for names in stored rows: none is ever given to another fact. */
const POSITIONS: Readonly<Record<FactName, number>> = {
  score: 2,
  band: 3,
  confidence: 4,
  stage: 5,
  daysInStage: 6,
  scoreDelta7d: 7,
  scoreDelta28d: 8,
  daysSinceLastActivity: 9,
  silenceLimitDays: 10,
  silentSince: 11,
  renewalInDays: 12,
  autoRenew: 13,
  mrr: 14,
  seatUse: 15,
  planUse: 16,
  openUrgentTickets: 17,
  detractorWithin90d: 18,
  paymentFailedDays: 19,
  cancelScheduled: 20,
  championRemoved: 21,
  onboardingOverdueDays: 22,
  onboardingStalledDays: 23,
  ownerId: 24,
  advocate: 25,
  sequence: 26,
}
const NAMES = Object.keys(POSITIONS) as FactName[]
const NAME_AT = new Map(NAMES.map((name) => [POSITIONS[name], name]))

/** Nothing is known: what a whole row differs from. */
const NOTHING: Seen = {
  facts: { ...Object.fromEntries(NAMES.map((name) => [name, null])), topContributions: [] } as unknown as Facts,
  traits: {},
  backfill: false,
}

/** The rows of an account's new changes; `before` is what was seen last, null when nothing was. */
export const packChanges = (before: SeenAt | null, changes: readonly SeenAt[]): readonly FactRow[] => {
  const rows: (FactRow & { changes: PackedChange[]; at: number })[] = []
  let last = before
  for (const change of changes) {
    const whole = last === null || periodOf(last.at) !== periodOf(change.at)
    if (whole || rows.length === 0)
      rows.push({ sequence: change.seen.facts.sequence, at: change.at, whole, changes: [] })
    const row = rows.at(-1)!
    row.changes.push(packChange(whole ? NOTHING : last!.seen, change))
    row.at = change.at
    last = change
  }
  return rows
}

/** The changes of rows in order; those before the first whole row cannot be read and are left out. `last` is of the rows before these. */
export const unpackChanges = (last: SeenAt | null, { whole, changes }: FactRow): readonly SeenAt[] => {
  if (!whole && last === null) return []
  let before = whole ? NOTHING : last!.seen
  return changes.map((packed) => {
    const change = unpackChange(before, packed)
    before = change.seen
    return change
  })
}

const periodOf = (at: number): number => Math.floor(at / WHOLE_EVERY_MS)

const packChange = (before: Seen, { at, seen }: SeenAt): PackedChange => {
  const packed: [number, ...unknown[]] = [at]
  if (seen.backfill !== before.backfill) packed.push(BACKFILL, seen.backfill)
  if (!sameTraits(seen.traits, before.traits)) packed.push(TRAITS, seen.traits)
  for (const name of NAMES) {
    const value = seen.facts[name] ?? null
    if (value !== before.facts[name]) packed.push(POSITIONS[name], value)
  }
  return packed
}

const unpackChange = (before: Seen, [at, ...rest]: PackedChange): SeenAt => {
  const facts: Record<string, unknown> = { ...before.facts }
  let { traits, backfill } = before
  for (let i = 0; i < rest.length; i += 2) {
    const position = rest[i] as number
    const name = NAME_AT.get(position)
    if (name !== undefined) facts[name] = rest[i + 1]
    else if (position === TRAITS) traits = rest[i + 1] as Seen['traits']
    else backfill = rest[i + 1] as boolean
  }
  return { at, seen: { facts: facts as Facts, traits, backfill } }
}

/** Whatever the order of their names: a stored copy has another. */
const sameTraits = (left: Seen['traits'], right: Seen['traits']): boolean => {
  if (left === right) return true
  const names = Object.keys(left)
  return (
    names.length === Object.keys(right).length &&
    names.every(
      (name) =>
        left[name] === right[name] ||
        (Object.hasOwn(right, name) && JSON.stringify(left[name]) === JSON.stringify(right[name])),
    )
  )
}
