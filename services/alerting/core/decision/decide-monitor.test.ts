import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rule } from '../../../../tests/support/alerting/alert-script.ts'
import type { RuleStates } from '../alert/rule-states.ts'
import { decideSource, isMany, type SourceSeen } from './decide-monitor.ts'

const INTERVAL = 60
const silent = rule({
  id: 'quiet',
  about: { kind: 'source', quietForMs: INTERVAL, sources: null },
  when: { fact: 'silentSince', op: 'known' },
  cooldownMs: 0,
  reminderMs: null,
})
type Known = { readonly seen: SourceSeen | null; readonly states: RuleStates }
const around = { rules: [{ rule: silent, version: '1' }], silences: [], epoch: 0 }

test('whenever timers run, a source is silent from its exact instants to those at which it was heard, and never otherwise', () => {
  const step = fc.record({ gap: fc.integer({ min: 1, max: 200 }), active: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: 'max' }), (steps) => {
      let at = 1_000
      let heardAt = at
      const expected: string[] = []
      const lines: string[] = []
      let seen: SourceSeen | null = null
      let states: RuleStates = {}
      const look = (news: boolean): void => {
        const said = news ? { heardAt: at, expectedIntervalHours: null } : null
        const decision = decideSource({ seen, states }, said, at, around)
        for (const one of decision.transitions) lines.push(`${one.kind} ${one.at}`)
        states = decision.states
        seen = { ...(said ?? seen!), at }
        if (decision.nextCheckAt !== null) expect(decision.nextCheckAt).toBeGreaterThan(at)
      }
      look(true)
      for (const { gap, active } of steps) {
        at += gap
        look(active)
        if (!active) continue
        if (at - heardAt >= INTERVAL) expected.push(`firing ${heardAt + INTERVAL}`, `resolved ${at}`)
        heardAt = at
      }
      if (at - heardAt >= INTERVAL) expected.push(`firing ${heardAt + INTERVAL}`)
      expect(lines).toEqual(expected)
    }),
  )
})

test('in whatever epoch a source falls silent, its alert has an episode that no earlier epoch gave', () => {
  const step = fc.record({ gap: fc.integer({ min: INTERVAL, max: 200 }), raises: fc.integer({ min: 0, max: 2 }) })
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 30 }), fc.nat(29), (steps, copiedAt) => {
      let at = 1_000
      let epoch = 0
      const evaluate = (known: Known): { readonly known: Known; readonly episodes: readonly number[] } => {
        const said = { heardAt: at, expectedIntervalHours: null }
        const decision = decideSource(known, said, at, { ...around, epoch })
        const episodes = decision.transitions.filter(({ kind }) => kind === 'firing').map((one) => one.episode)
        return { known: { seen: { ...said, at }, states: decision.states }, episodes }
      }
      let evaluated = evaluate({ seen: null, states: {} })
      let copy = evaluated.known
      const lost: number[] = []
      for (const [i, { gap, raises }] of steps.entries()) {
        if (i === copiedAt) copy = evaluated.known
        at += gap
        epoch += raises
        evaluated = evaluate(evaluated.known)
        expect(evaluated.episodes).toHaveLength(1)
        expect(evaluated.episodes[0]).toBeGreaterThan(Math.max(epoch * 10_000, ...lost))
        lost.push(evaluated.episodes[0]!)
      }
      at += INTERVAL
      epoch++
      expect(evaluate(copy).episodes[0]).toBeGreaterThan(Math.max(...lost))
    }),
  )
})

test('an outage takes both its number and its share, and lasts until less than half of either is left', () => {
  const guard = { kind: 'tenant', atLeast: 10, share: 0.2, withinMs: 1, holdMs: 1 } as const
  expect(isMany({ inactive: 10, active: 50 }, guard)).toBe(true)
  expect(isMany({ inactive: 9, active: 10 }, guard)).toBe(false)
  expect(isMany({ inactive: 100, active: 501 }, guard)).toBe(false)
  expect(isMany({ inactive: 5, active: 50 }, guard, true)).toBe(true)
  expect(isMany({ inactive: 4, active: 4 }, guard, true)).toBe(false)
  expect(isMany({ inactive: 50, active: 501 }, guard, true)).toBe(false)
  fc.assert(
    fc.property(fc.nat(500), fc.nat(500), (inactive, others) => {
      const count = { inactive, active: inactive + others }
      expect(!isMany(count, guard) || isMany(count, guard, true)).toBe(true)
    }),
  )
})
