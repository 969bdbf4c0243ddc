import fc from 'fast-check'
import { expect, test } from 'vitest'
import { anyEvents, event, look, NOW, settled, testModel } from '../../../../tests/support/scoring/account-history.ts'
import type { Evaluation } from './evaluation.ts'
import { type ExplainStep, explain } from './explain.ts'

const units = (value: number | null): number => Math.round((value ?? 0) * 10_000)
const step = (cause: ExplainStep['cause'], evaluation: Evaluation): ExplainStep => ({ cause, evaluation })

const overrides = fc.constantFrom(null, { score: 12.5, reason: 'r', author: 'a', setAt: 0, expiresAt: NOW * 2 })

test('the deltas of a change sum exactly to the change of the score, over any chain of causes', () => {
  const looks = fc.array(fc.record({ events: anyEvents(60), override: overrides, connected: fc.boolean() }), {
    minLength: 1,
    maxLength: 4,
  })
  fc.assert(
    fc.property(looks, fc.boolean(), (chain, first) => {
      const seen = chain.map(({ events, override, connected }) =>
        look(events, { override, model: testModel(connected ? { connected: ['support', 'commercial'] } : {}) }),
      )
      const before = first ? null : seen[0]!
      const { lines } = explain(
        before,
        seen.map((evaluation) => step('events', evaluation)),
      )
      const sum = lines.reduce((total, { delta }) => total + units(delta), 0)
      expect(sum).toBe(units(seen.at(-1)!.score) - units(before?.score ?? 0))
      expect(lines.filter(({ delta }) => delta === 0)).toEqual([])
    }),
    { numRuns: 150 },
  )
})

test('what time moved is not blamed on the events that came after', () => {
  const events = [...settled(), ...Array.from({ length: 20 }, (_, day) => event('Signed In', 20 + day, {}, 'ana'))]
  const before = look(events, { at: NOW - 10 * 86_400_000 })
  const later = look(events)
  const after = look([...events, event('Signed In', 0.01, {}, 'ana')])
  const { lines } = explain(before, [step('window_expiry', later), step('events', after)])
  const expiry = lines.filter(({ cause }) => cause === 'window_expiry')
  const active = lines.filter(({ cause }) => cause === 'events')
  expect(expiry.find(({ factor }) => factor === 'usage.recency')!.delta).toBeLessThan(0)
  expect(active.find(({ factor }) => factor === 'usage.recency')!.delta).toBeGreaterThan(0)
})

test('a line says the raw value and the points before and after, and the window they were measured in', () => {
  const before = look([...settled(), event('Signed In', 3, {}, 'ana')])
  const after = look([...settled(), event('Signed In', 3, {}, 'ana'), event('Signed In', 1, {}, 'ana')])
  const { lines } = explain(before, [step('events', after)])
  expect(lines.find(({ factor }) => factor === 'usage.active_days')).toMatchObject({
    before: 1,
    after: 2,
    pointsBefore: 10,
    pointsAfter: 20,
    window: { days: 28, from: '2026-10-26', to: '2026-11-22' },
    cause: 'events',
  })
})

test('what a cap takes is a line of its own, and so is what an override adds', () => {
  const used = Array.from({ length: 28 }, (_, day) => event('Feature Used', day, { core: true, feature: 'api' }, 'ana'))
  const before = look([...settled(), ...used])
  const capped = look([...settled(), ...used, event('Champion Changed', 1, {})])
  const { lines } = explain(before, [step('events', capped)])
  expect(lines.find(({ factor }) => factor === 'cap.champion_removed')).toMatchObject({
    cause: 'cap',
    before: null,
    after: 66,
  })
  const override = { score: 90, reason: 'r', author: 'a', setAt: NOW, expiresAt: NOW + 1 }
  const lifted = look([...settled(), ...used], { override })
  expect(explain(before, [step('override', lifted)])).toMatchObject({
    cause: 'override',
    lines: [{ factor: 'override', cause: 'override', before: null, after: 90 }],
  })
})

test('the cause of a change is the one that moved most; events win a tie, and name a change of facts alone', () => {
  const quiet = look([...settled(), event('Signed In', 3, {}, 'ana')])
  expect(explain(quiet, [step('window_expiry', quiet), step('events', quiet)])).toEqual({ lines: [], cause: 'events' })
  expect(explain(quiet, [step('window_expiry', quiet)]).cause).toBe('window_expiry')
  const grown = look([...settled(), ...[1, 2, 3, 4, 5].map((day) => event('Signed In', day, {}, 'ana'))])
  expect(explain(quiet, [step('window_expiry', quiet), step('late_data', grown)]).cause).toBe('late_data')
})
