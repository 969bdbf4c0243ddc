import { expect, test } from 'vitest'
import type { TenantState } from '#libs/access/tenant-store.ts'
import type { Batch, DeliveredRecord } from '#libs/bus/bus.ts'
import { RESERVED_TYPES } from '#libs/contracts/usage-event.ts'
import { usageRecord } from '../../../tests/support/scoring/scorer.ts'
import { testSigner } from '../../../tests/support/scoring/usage-signer.ts'
import { groupByAccount, groupByKey, tenantsOf } from './group-by-account.ts'

const reading = (states: Readonly<Record<string, TenantState>> = { default: 'active' }) => {
  const leftOut: string[] = []
  return {
    tenants: new Map(Object.entries(states)),
    verify: testSigner.verify,
    onLeftOut: (reason: string) => leftOut.push(reason),
    leftOut,
  }
}
type Written = Pick<DeliveredRecord, 'key' | 'value' | 'headers'>
const read = (records: readonly Written[], given: ReturnType<typeof reading>) => {
  const delivered = records.map((record, offset) => ({ ...record, offset, timestampMs: Date.now() }))
  const batch = { topic: 'usage.events', partition: 0, records: delivered } as unknown as Batch
  const [{ requests, unreadable } = { requests: [], unreadable: [] }] = groupByAccount(
    [batch],
    groupByKey([batch]),
    10,
    given,
  )
  const groups = requests.map((one) => one.read())
  return {
    types: groups.flatMap(({ events }) => events.map(({ type }) => type)),
    evaluated: groups.filter(({ evaluate }) => evaluate).length,
    reasons: unreadable.map(({ reason }) => reason),
    leftOut: given.leftOut,
  }
}
const commandOf = (headers: Written['headers']): Written => ({
  key: 'default:acme',
  value: Buffer.from(JSON.stringify({ tenantId: 'default', accountId: 'acme', dueAt: '2026-11-22T10:00:00.000Z' })),
  headers: { ...headers, kind: 'evaluate' },
})

test('types that Pulso records itself are refused with the reason where product backends write the topic', () => {
  const records = [...RESERVED_TYPES, 'Signed In'].map((type) => usageRecord('acme', { type }))
  const { types, reasons } = read(records, reading())
  expect(types).toEqual(['Signed In'])
  expect(reasons).toEqual(["type: Onboarding Bypassed is reserved for Pulso's own API"])
})

test('events of a tenant that nobody made and of a suspended one are parked, those of a deleted one left out', () => {
  const records = ['default', 'nobody', 'paused', 'gone'].map((tenantId) =>
    usageRecord('acme', { tenantId, type: `of ${tenantId}` }),
  )
  const states = { default: 'active', paused: 'suspended', gone: 'deleted' } as const
  expect(read(records, reading(states))).toEqual({
    types: ['of default'],
    evaluated: 0,
    reasons: ['no tenant has this id', 'the tenant is suspended'],
    leftOut: ['deleted_tenant'],
  })
})

test('only a command that this installation signed is obeyed, for a suspended tenant too', () => {
  const signed = commandOf(testSigner.sign('evaluate', 'default', Date.now()))
  for (const state of ['active', 'suspended'] as const)
    expect(read([signed], reading({ default: state }))).toMatchObject({ evaluated: 1, reasons: [], leftOut: [] })
  const ofAnEvent = testSigner.sign('event', 'default', Date.now())
  const ofAnother = testSigner.sign('evaluate', 'other', Date.now())
  for (const headers of [{}, ofAnEvent, ofAnother])
    expect(read([commandOf(headers)], reading())).toMatchObject({
      evaluated: 0,
      reasons: [],
      leftOut: ['unsigned_command'],
    })
})

test('tenants of keys are found once each, whatever the keys look like', () => {
  expect([...tenantsOf(['a:1', 'a:2', 'b:1', 'a:3', 'none', ':x', 'ab:1', 'a:b:c'])]).toEqual(['a', 'b', 'ab'])
})
