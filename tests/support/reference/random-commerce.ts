import fc from 'fast-check'
import { DAY_MS, maybe, type Scene, scene, several, some } from './random-scenes.ts'

/**
 * Dates near the history, month ends, leap days, and instants whose local day depends on the zone.
 */
const dateTexts = (startAt: number): fc.Arbitrary<string> => {
  const near = fc
    .oneof(fc.integer({ min: -60, max: 600 }), fc.constantFrom(200, 330))
    .map((day) => new Date(startAt + day * DAY_MS).toISOString())
  return fc.oneof(
    { weight: 4, arbitrary: near.map((text) => text.slice(0, 10)) },
    near,
    near.map((text) => `${text.slice(0, 10)}T23:30:00-03:00`),
    near
      .map((text) => `${text.slice(0, 7)}-01`)
      .map((text) => new Date(Date.parse(text) - DAY_MS).toISOString().slice(0, 10)),
    some('2024-02-29', '2026-02-30', '2026-13-01', 'soon', '2026-01-31'),
  )
}
export const commerce = (startAt: number): fc.Arbitrary<readonly Scene[]> => {
  const turns = some(
    'Started',
    'Renewed',
    'Renewed',
    'Upgraded',
    'Downgraded',
    'Cancel Scheduled',
    'Cancel Reverted',
    'Canceled',
    'Reactivated',
  )
  const terms = {
    subscriptionId: some('s1', 's2', '😀', '￮'),
    mrr: fc.nat({ max: 1_000_000 }),
    plan: some('team', 'pro'),
    termMonths: some(1, 1.5, 3, 12),
    renewalDate: dateTexts(startAt),
    autoRenew: fc.boolean(),
  }
  return several(
    scene(
      turns.map((turn) => `Subscription ${turn}`),
      fc.oneof(maybe(terms), maybe({})),
    ),
    6,
  )
}
export const invoices = several(
  scene(
    some('Invoice Paid', 'Payment Failed', 'Invoice Payment Failed', 'Invoice Overdue'),
    maybe({ invoiceId: some('i1', 'i2'), amount: fc.nat(), daysOverdue: fc.nat({ max: 60 }) }),
  ),
  6,
)
export const traits = (startAt: number): fc.Arbitrary<readonly Scene[]> =>
  several(
    scene(
      some('identify', 'group'),
      maybe({
        seats: some(0, 1, 3, 10),
        mrr: fc.nat({ max: 1_000_000 }),
        ownerId: some('kim', 'lee'),
        renewalDate: dateTexts(startAt),
        termMonths: some(1, 12),
        autoRenew: fc.boolean(),
        entitledFeatures: fc.array(some<unknown>('reports', 'export', 'api', 'widgets', 7, null), { maxLength: 4 }),
      }),
    ),
    4,
  )
export const relations = several(
  fc.oneof(
    scene(some('Touchpoint Logged'), maybe({ kind: some('call', 'meeting', 'qbr', 'email') })),
    scene(some('Champion Changed'), maybe({ from: some('ana'), to: some('ana', 'bo', 'eve'), role: some('cfo') })),
  ),
  4,
)
export const life = several(scene(some('Account Created', 'Account Deleted', 'Account Created'), maybe({})), 2)
