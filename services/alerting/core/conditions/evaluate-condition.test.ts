import { expect, test } from 'vitest'
import { DAY, facts } from '../../../../tests/support/alerting/alert-script.ts'
import type { Condition, EvaluationInput, Memory } from './condition.ts'
import { evaluate } from './evaluate-condition.ts'

const evaluateOne = (when: Condition, input: EvaluationInput, memory: Memory) =>
  evaluate({ when, recovers: { fact: 'score', op: 'known' } }, input, memory)

const ask = (condition: Condition, changes: Parameters<typeof facts>[0] = {}) =>
  evaluateOne(condition, { facts: facts(changes), at: 0, fresh: true }, {}).when

/** Answers one truth per sight, each `[day, facts]`. */
const watch = (condition: Condition, observations: readonly [number, Parameters<typeof facts>[0]][]) => {
  let memory: Memory = {}
  return observations.map(([day, changes]) => {
    const verdict = evaluateOne(condition, { facts: facts(changes), at: day * DAY, fresh: true }, memory)
    memory = verdict.memory
    return verdict.when
  })
}

test('an unknown fact makes a comparison unknown, not false', () => {
  expect(ask({ fact: 'renewalInDays', op: '<', value: 90 })).toBe(null)
  expect(ask({ not: { fact: 'renewalInDays', op: '<', value: 90 } })).toBe(null)
  expect(ask({ fact: 'renewalInDays', op: 'unknown' })).toBe(true)
})

test('one known part can settle all and any', () => {
  const unknown = { fact: 'seatUse', op: '>=', value: 0.8 } as const
  expect(ask({ any: [unknown, { fact: 'planUse', op: '>=', value: 0.8 }] }, { planUse: 0.9 })).toBe(true)
  expect(ask({ all: [unknown, { fact: 'planUse', op: '>=', value: 0.8 }] }, { planUse: 0.1 })).toBe(false)
  expect(ask({ all: [unknown, { fact: 'planUse', op: '>=', value: 0.8 }] }, { planUse: 0.9 })).toBe(null)
})

test('two facts compare with each other', () => {
  const overdue = { fact: 'daysSinceLastActivity', op: '>', than: 'silenceLimitDays' } as const
  expect(ask(overdue, { daysSinceLastActivity: 15, silenceLimitDays: 14 })).toBe(true)
  expect(ask(overdue, { daysSinceLastActivity: 14, silenceLimitDays: 14 })).toBe(false)
})

test('"has been true for" counts from when it became true and starts again after a break', () => {
  const steady: Condition = { that: { fact: 'score', op: '>=', value: 75 }, forMs: 28 * DAY }
  expect(
    watch(steady, [
      [0, { score: 80 }],
      [27, { score: 76 }],
      [28, { score: 76 }],
      [29, { score: 74 }],
      [30, { score: 90 }],
      [57, { score: 90 }],
      [58, { score: 90 }],
    ]),
  ).toEqual([false, false, true, false, false, false, true])
})

test('"has been true for" says when it will be true by time alone', () => {
  const steady: Condition = { that: { fact: 'score', op: '>=', value: 75 }, forMs: 28 * DAY }
  expect(evaluateOne(steady, { facts: facts(), at: 5, fresh: true }, {}).dueAt).toBe(28 * DAY + 5)
})

test('a change over a span is unknown until the span was seen, then compares with the value of then', () => {
  const less: Condition = { change: 'mrr', overMs: 91 * DAY, op: '<', value: 0 }
  expect(
    watch(less, [
      [0, { mrr: 100 }],
      [50, { mrr: 90 }],
      [91, { mrr: 90 }],
      [140, { mrr: 90 }],
      [142, { mrr: 90 }],
      [150, { mrr: 95 }],
    ]),
  ).toEqual([null, null, true, true, false, false])
})

test('the memory of a change is bounded, however often the value moves', () => {
  const less: Condition = { change: 'score', overMs: 10 * DAY, op: '<', value: 0 }
  let memory: Memory = {}
  for (let i = 0; i < 5_000; i++) {
    const at = (i * 30 * DAY) / 5_000
    memory = evaluateOne(less, { facts: facts({ score: i % 97 }), at, fresh: true }, memory).memory
  }
  expect((memory['/when'] as unknown[]).length).toBeLessThan(70)
})

test('an unchanged memory is the same object, and conditions with a memory are evaluated although the answer is settled', () => {
  const when: Condition = {
    any: [
      { fact: 'score', op: 'known' },
      { that: { fact: 'score', op: '>', value: 50 }, forMs: DAY },
      { previously: { fact: 'advocate', op: '==', value: false } },
    ],
  }
  const look = (at: number, memory: Memory) => evaluateOne(when, { facts: facts(), at, fresh: true }, memory)
  const first = look(0, {})
  expect(first).toMatchObject({ when: true, memory: { '/when/any/1': 0, '/when/any/2': [null, true] }, dueAt: DAY })
  const second = look(1, first.memory)
  expect(second.memory).toEqual({ '/when/any/1': 0, '/when/any/2': [true, true] })
  expect(look(2, second.memory).memory).toBe(second.memory)
})
