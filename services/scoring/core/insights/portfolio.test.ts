import fc from 'fast-check'
import { expect, it } from 'vitest'
import { BANDS, STAGES } from '#libs/contracts/account-health.ts'
import { portfolioOf } from './portfolio.ts'

const part = fc
  .record({
    band: fc.constantFrom(...BANDS),
    stage: fc.constantFrom(...STAGES),
    scores: fc.array(fc.integer({ min: 0, max: 100 }), { maxLength: 5 }),
    mrr: fc.integer({ min: 0, max: 1_000 }),
  })
  .map(({ band, stage, scores, mrr }) => {
    const score = scores.reduce((sum, one) => sum + one, 0)
    const counts = { accounts: scores.length + 1, scored: scores.length, withMrr: scores.length }
    return {
      band,
      stage,
      ...counts,
      score,
      weightedScore: score * mrr,
      weightedMrr: scores.length * mrr,
      mrr: scores.length * mrr,
    }
  })

it('counts each account once by band and once by stage, the churned in no band', () => {
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const { accounts, bands, stages, mrr, mrrAtRisk } = portfolioOf(parts)
      const total = (counts: Readonly<Record<string, { readonly accounts: number }>>) =>
        Object.values(counts).reduce((sum, count) => sum + count.accounts, 0)
      expect(total(bands)).toBe(accounts)
      expect(total(stages)).toBe(parts.reduce((sum, one) => sum + one.accounts, 0))
      expect(accounts + stages.churned.accounts).toBe(total(stages))
      expect(mrrAtRisk ?? 0).toBeLessThanOrEqual(mrr ?? 0)
    }),
  )
})

it('has no mean without a score, and no revenue while none is known', () => {
  expect(portfolioOf([])).toMatchObject({
    accounts: 0,
    meanScore: null,
    mrrWeightedScore: null,
    mrr: null,
    mrrAtRisk: null,
  })
})
