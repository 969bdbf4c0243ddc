import { expect, test } from 'vitest'
import { accountChange } from '../../tests/support/scoring/account-changes.ts'
import { accountHealthSchema } from './account-health.ts'
import { readAccountHealthSchema } from './read-account-health.ts'

const change = accountChange({ accountId: 'a1', sequence: 1, score: 40, at: Date.parse('2026-11-01T00:00:00.000Z') })

test('a message of this release reads as it was written', () => {
  expect(readAccountHealthSchema.parse(change)).toEqual(accountHealthSchema.parse(change))
})

test('a band, stage or cause of a newer release reads as "other", and its members are ignored', () => {
  const newer = {
    ...change,
    memberOfANewerRelease: 1,
    cause: 'weather',
    health: { ...change.health, band: 'thriving', previousBand: 'healthy', stage: 'expansion' },
    facts: { ...change.facts, band: 'thriving', stage: 'expansion', newFact: true },
    evidence: { events: ['e1'], weather: ['e2'] },
  }
  const read = readAccountHealthSchema.parse(newer)
  expect(read).toMatchObject({
    cause: 'other',
    health: { band: 'other', previousBand: 'healthy', stage: 'other' },
    facts: { band: 'other', stage: 'other' },
    evidence: { events: ['e1'] },
  })
  expect(read).not.toHaveProperty('memberOfANewerRelease')
  expect(accountHealthSchema.safeParse(newer).success).toBe(false)
})

test('a message without what this release needs is still refused', () => {
  expect(readAccountHealthSchema.safeParse({ ...change, cause: 7 }).success).toBe(false)
  expect(readAccountHealthSchema.safeParse({ ...change, facts: {} }).success).toBe(false)
})
