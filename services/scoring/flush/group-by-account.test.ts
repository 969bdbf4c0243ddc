import { expect, test } from 'vitest'
import type { Batch } from '#libs/bus/bus.ts'
import { RESERVED_TYPES } from '#libs/contracts/usage-event.ts'
import { usageRecord } from '../../../tests/support/scoring/scorer.ts'
import { groupByAccount } from './group-by-account.ts'

test('types that Pulso records itself are refused with the reason where product backends write the topic', () => {
  const records = [...RESERVED_TYPES, 'Signed In'].map((type, offset) => ({
    ...usageRecord('acme', { type }),
    offset,
    timestampMs: Date.now(),
  }))
  const batch = { topic: 'usage.events', partition: 0, records } as unknown as Batch
  const [{ requests, unreadable } = { requests: [], unreadable: [] }] = groupByAccount([batch], 10)
  expect(requests.flatMap((one) => one.read().events.map(({ type }) => type))).toEqual(['Signed In'])
  expect(unreadable.map(({ reason }) => reason)).toEqual(["type: Onboarding Bypassed is reserved for Pulso's own API"])
})
