import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createZone } from '#libs/time/time-zone.ts'
import { anyEvents, NOW, testModel } from '../../../../tests/support/scoring/account-history.ts'
import { encodeWhole } from '../codec/account-bytes.ts'
import { ALL_ACTIVE } from '../evaluation/source-log.ts'
import { createAccount } from './account.ts'
import { refold } from './adopt-model.ts'
import { applyEvents } from './apply-events.ts'
import type { ScoringContext } from './evaluate-account.ts'

const former = testModel()
const zone = createZone('America/Sao_Paulo')
/** It counts other types as activity, so its states have other counters. */
const latter = testModel({
  activity: { ...former.model.activity, types: ['Invoice Paid'] } as typeof former.model.activity,
})
const contextOf = (model: typeof former): ScoringContext => ({ model, zone, now: NOW, sources: ALL_ACTIVE })

test('an account that is folded anew has the counters that the new model would have given it as its events came', () => {
  expect(latter.fingerprint).not.toBe(former.fingerprint)
  fc.assert(
    fc.property(anyEvents(30), fc.integer({ min: 1, max: 60 }), (given, size) => {
      const events = given.map((event) => ({ ...event, backfill: false, raw: '{}' }))
      const [kept, lived] = [former, latter].map((model) => {
        const account = createAccount({ tenantId: 'default', accountId: 'acme' }, model)
        for (let from = 0; from < events.length; from += size)
          applyEvents(account, events.slice(from, from + size), false, contextOf(model))
        return account
      })
      const anew = refold([...events].reverse(), kept!, contextOf(latter))
      expect(encodeWhole(anew.state, anew.interactions).equals(encodeWhole(lived!.state, lived!.interactions))).toBe(
        true,
      )
      expect(new Map(anew.users.entries())).toEqual(new Map(lived!.users.entries()))
    }),
  )
})
