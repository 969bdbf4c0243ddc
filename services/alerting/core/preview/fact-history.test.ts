import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DAY, facts } from '../../../../tests/support/alerting/alert-script.ts'
import { packChanges, type SeenAt, unpackChanges } from './fact-history.ts'

const START = 1_800_000_000_000
const change = fc.record({
  gap: fc.integer({ min: 0, max: 5 * DAY }),
  backfill: fc.boolean(),
  traits: fc.constantFrom(
    {},
    { plan: 'pro' },
    { seats: 5, plan: 'pro' },
    { tags: ['a'] },
    { tags: ['b'] },
    { plan: null },
  ),
  facts: fc.record(
    {
      score: fc.option(fc.constantFrom(40, 80.1234)),
      band: fc.constantFrom('at_risk' as const, 'healthy' as const),
      ownerId: fc.option(fc.string()),
      silentSince: fc.option(fc.constant('2026-11-01T00:00:00.000Z')),
      autoRenew: fc.option(fc.boolean()),
      advocate: fc.boolean(),
      mrr: fc.option(fc.integer()),
    },
    { requiredKeys: [] },
  ),
})
const history = fc.array(change, { minLength: 1, maxLength: 20 }).map((changes): readonly SeenAt[] => {
  let at = START
  return changes.map((one, i) => {
    at += one.gap
    return { at, seen: { facts: facts({ ...one.facts, sequence: i + 1 }), traits: one.traits, backfill: one.backfill } }
  })
})

/** Evaluated in batches of these sizes; stored as JSON, which returns names in another order. */
const store = (changes: readonly SeenAt[], sizes: readonly number[]) => {
  let before: SeenAt | null = null
  let from = 0
  return sizes.concat(changes.length).flatMap((size) => {
    const batch = changes.slice(from, from + size)
    from += size
    if (batch.length === 0) return []
    const rows = packChanges(before, batch)
    before = reordered(batch.at(-1)!)
    return JSON.parse(JSON.stringify(rows)) as typeof rows
  })
}
const reordered = (change: SeenAt): SeenAt => ({
  ...change,
  seen: { ...change.seen, traits: Object.fromEntries(Object.entries(change.seen.traits).reverse()) },
})
const read = (rows: ReturnType<typeof store>): readonly SeenAt[] => {
  const all: SeenAt[] = []
  for (const row of rows) all.push(...unpackChanges(all.at(-1) ?? null, row))
  return all
}
const sizes = fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 20 })

test('the history reads back as it was seen, whatever the batches of evaluation were', () => {
  fc.assert(
    fc.property(history, sizes, (changes, parts) => {
      expect(read(store(changes, parts))).toEqual(changes)
    }),
  )
})

test('without its oldest rows the history reads back right and begins within a week', () => {
  fc.assert(
    fc.property(history, sizes, fc.nat(20), (changes, parts, gone) => {
      const rows = store(changes, parts).slice(gone)
      const rest = read(rows)
      expect(rest).toEqual(rest.length === 0 ? [] : changes.slice(-rest.length))
      const lost = rows.flatMap((row) => row.changes).length - rest.length
      const kept = changes.slice(-lost - rest.length)
      if (lost > 0) expect(kept[lost - 1]!.at - kept[0]!.at).toBeLessThan(7 * DAY)
    }),
  )
})

test('a stored change holds only what is new, and every fact is stored', () => {
  const first: SeenAt = { at: START, seen: { facts: facts(), traits: { plan: 'pro' }, backfill: false } }
  const second: SeenAt = { at: START + 1, seen: { ...first.seen, facts: facts({ score: 79, sequence: 2 }) } }
  const [row] = packChanges(null, [first, second])
  expect(row!.changes[1]).toEqual([START + 1, 2, 79, 26, 2])
  const { topContributions: _, ...asked } = unpackChanges(null, row!)[0]!.seen.facts
  const { topContributions: __, ...given } = facts()
  expect(asked).toEqual(given)
})
