import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createZone } from '#libs/time/time-zone.ts'
import { replay } from '../../services/scoring/core/account/replay.ts'
import { loadDefaultModel } from '../../services/scoring/models/model-document.ts'
import { referenceHealth } from '../support/reference/health.ts'
import { acceptedOnce, flush, newProductAccount, productHealth, productModel } from '../support/reference/product.ts'
import { published } from '../support/reference/published.ts'
import { type RandomAccount, randomAccount } from '../support/reference/random-events.ts'

const defaults = loadDefaultModel()

const expected = ({ events, ...options }: RandomAccount, at: number) =>
  published(referenceHealth(events, { ...options, at }))

test('a view as of any instant is what the reference says: score, confidence, stage, every factor, caps, facts', () => {
  fc.assert(
    fc.property(randomAccount(), (account) => {
      const model = productModel(defaults, account.model)
      const { at } = account
      const zone = createZone(account.timeZone)
      const { state } = replay([...acceptedOnce(account.events)], { model, zone, now: at }, at)
      expect(published(productHealth(state, { model, account, at }))).toEqual(expected(account, at))
    }),
    { numRuns: 1500 },
  )
})

test('events in any order and any batches, with looks in between, lead to what the reference says', () => {
  const withFlushes = randomAccount().chain((account) => {
    const events = acceptedOnce(account.events)
    return fc.record({
      account: fc.constant(account),
      order: fc.shuffledSubarray([...events], { minLength: events.length }),
      cuts: fc.array(fc.nat({ max: events.length }), { maxLength: 3 }),
      hoursBefore: fc.array(fc.nat({ max: 4000 }), { minLength: 4, maxLength: 4 }),
    })
  })
  fc.assert(
    fc.property(withFlushes, ({ account, order, cuts, hoursBefore }) => {
      const model = productModel(defaults, account.model)
      const zone = createZone(account.timeZone)
      const product = newProductAccount()
      const ends = [...cuts.sort((a, b) => a - b), order.length]
      const nows = hoursBefore.sort((a, b) => b - a).map((hours) => account.at - hours * 3_600_000)
      ends.forEach((end, index) => {
        const now = index === ends.length - 1 ? account.at : nows[index]!
        flush(product, order.slice(ends[index - 1] ?? 0, end), { model, zone, now })
        const soFar = { ...account, events: order.slice(0, end) }
        const found = productHealth(product.state, { model, account: soFar, at: now })
        expect(published(found)).toEqual(expected(soFar, now))
      })
    }),
    { numRuns: 500 },
  )
})

/**
 * Facts that time alone changes without waking the account: days in the stage always, other
 * counters of days once they are beyond the model's `counterDays`.
 */
const lasting = (facts: ReturnType<typeof expected>['facts'], now: ReturnType<typeof expected>['facts']) => {
  const { daysInStage: _, ...others } = facts
  const { counterDays } = defaults.facts
  const counters: readonly string[] = [
    'daysSinceLastActivity',
    'paymentFailedDays',
    'onboardingStalledDays',
    'onboardingOverdueDays',
    'renewalInDays',
  ]
  const left = Object.entries(others).filter(([name]) => {
    const value = now[name as keyof typeof now]
    return !(counters.includes(name) && typeof value === 'number' && Math.abs(value) >= counterDays)
  })
  return Object.fromEntries(left)
}

/**
 * While a source fades its groups change with every millisecond, and are looked at once an hour:
 * such sources are left out.
 */
const steadySources = ({ at, lastSeen, model }: RandomAccount): ReadonlyMap<string, number> =>
  new Map(
    [...lastSeen].filter(([name, seenAt]) => {
      const hours = model.sources.find(({ source }) => source === name)?.expectedIntervalHours ?? 0
      const quietHours = (at - seenAt) / 3_600_000
      return quietHours < hours || quietHours >= 2 * hours
    }),
  )

test('until the next evaluation the reference sees the same score, stage and facts', () => {
  const shares = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3 })
  fc.assert(
    fc.property(randomAccount(), shares, (account, looks) => {
      const model = productModel(defaults, account.model)
      const zone = createZone(account.timeZone)
      // Nothing more happens: the events after the instant of the view are left out.
      const events = account.events.filter(({ occurredAt }) => occurredAt <= account.at)
      const settled = { ...account, events, lastSeen: steadySources(account) }
      const { state } = replay([...acceptedOnce(events)], { model, zone }, account.at)
      const evaluation = productHealth(state, { model, account: settled, at: account.at })
      const now = published(evaluation)
      const until = evaluation.nextEvaluationAt ?? account.at + 500 * 86_400_000
      expect(until).toBeGreaterThan(account.at)
      for (const look of [1, ...looks]) {
        const later = expected(settled, Math.floor(account.at + look * (until - 1 - account.at)))
        const { score, stage, confidence, caps } = later
        expect({ score, stage, confidence, caps, facts: lasting(later.facts, now.facts) }).toEqual({
          score: now.score,
          stage: now.stage,
          confidence: now.confidence,
          caps: now.caps,
          facts: lasting(now.facts, now.facts),
        })
      }
    }),
    { numRuns: 400 },
  )
})
