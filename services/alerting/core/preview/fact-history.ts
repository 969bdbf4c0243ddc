import type { Facts } from '#libs/contracts/account-health.ts'
import { FACT_NAMES, FACTS } from '#libs/contracts/facts.ts'
import { DAY_MS } from '#libs/runtime/durations.ts'
import type { Seen } from '../alert/subject.ts'

export type SeenAt = { readonly at: number; readonly seen: Seen }

/** A stored change: its instant, then positions and values of what differs from the last one. */
export type PackedChange = readonly [at: number, ...positionsAndValues: unknown[]]

/** Changes stored together. A whole row can be read without earlier rows. */
export type FactRow = {
  /** Of the first change. */
  readonly sequence: number
  /** Of the last change. */
  readonly at: number
  readonly whole: boolean
  readonly changes: readonly PackedChange[]
}

/** An account has a whole row in each such span in which it changes. */
export const WHOLE_EVERY_MS = 7 * DAY_MS

const BACKFILL = 0
const TRAITS = 1
const NAME_AT = new Map(FACT_NAMES.map((name) => [FACTS[name].position, name]))

/** The first change of a whole row is its difference to nothing. */
const NOTHING: Seen = {
  facts: { ...Object.fromEntries(FACT_NAMES.map((name) => [name, null])), topContributions: [] } as unknown as Facts,
  traits: {},
  backfill: false,
}

/** Packs an account's new changes into rows. `before`: the change before them, null for none. */
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

/** Changes of a row. `last`: the change before it; without one, only a whole row can be read. */
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
  for (const name of FACT_NAMES) {
    const value = seen.facts[name] ?? null
    if (value !== before.facts[name]) packed.push(FACTS[name].position, value)
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

/** Compares in any order of names: a stored copy has another order. */
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
