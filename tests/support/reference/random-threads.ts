import fc from 'fast-check'
import { DAY_MS, dayOffset, maybe, type Scene, scene, several, some, timeOfDay, user } from './random-scenes.ts'

const feature = some('reports', 'export', 'api', 'widgets', 'chat')

/** Use on every `step`-th day, as a living customer does: enough core events for a trend. */
export const regularUse: fc.Arbitrary<readonly Scene[]> = fc
  .record({
    first: dayOffset,
    days: fc.integer({ min: 3, max: 30 }),
    step: fc.integer({ min: 1, max: 9 }),
    perDay: fc.integer({ min: 1, max: 3 }),
    time: timeOfDay,
    core: some(true, false),
    name: feature,
    users: fc.array(user, { minLength: 1, maxLength: 3 }),
  })
  .map(({ first, days, step, perDay, time, core, name, users }) =>
    Array.from({ length: days * perDay }, (_, index) => ({
      type: 'Feature Used',
      offsetMs: (first + Math.floor(index / perDay) * step) * DAY_MS + time + (index % perDay),
      userId: users[index % users.length]!,
      properties: { feature: name, core },
    })),
  )

export const activity = several(
  scene(
    some(
      'Signed In',
      'User Logged In',
      'Signed Up',
      'Feature Used',
      'Invite Sent',
      'Help Article Viewed',
      'Training Completed',
      'Report Exported',
      'Ping',
      'Widget Moved',
      'Something Else',
    ),
    maybe({ feature, core: fc.boolean(), quantity: fc.nat({ max: 9 }) }),
  ),
  8,
)
export const quietTypes = several(
  scene(
    some(
      'Signed Out',
      'Account Added User',
      'Trial Started',
      'Goal Set',
      'Help Search Failed',
      'Feedback Received',
      'Seat Limit Approached',
      'Cost Recorded',
      'Referral Made',
      'Review Published',
      'Source Heartbeat',
    ),
    maybe({ used: fc.nat({ max: 20 }), limit: fc.nat({ max: 20 }), kind: some('praise', 'call') }),
  ),
  3,
)
export const planLimits = several(
  scene(
    some('Plan Limit Approached'),
    maybe({ used: fc.nat({ max: 20 }), limit: fc.nat({ max: 20 }) }, ['used', 'limit']),
  ),
  2,
)
export const value = several(
  scene(some('Value Realized', 'Goal Achieved'), maybe({ goalId: some('g'), amount: fc.nat() })),
  2,
)
const journeyId = some('main', 'module', 'second')
const stepId = some('connect', 'invite', 'publish', 'extra')
export const onboarding = several(
  fc.oneof(
    scene(
      some('Onboarding Started'),
      maybe({ journeyId, steps: fc.array(stepId, { maxLength: 3 }), stepCount: some(0, 1, 2, 2.7, 3) }),
    ),
    scene(some('Onboarding Started'), maybe({})),
    {
      weight: 4,
      arbitrary: scene(some('Onboarding Step Completed'), maybe({ journeyId, stepId, required: fc.boolean() })),
    },
    { weight: 2, arbitrary: scene(some('Onboarding Step Completed'), maybe({ stepId }, ['stepId'])) },
    scene(some('Onboarding Completed', 'Onboarding Bypassed'), maybe({ journeyId })),
  ),
  7,
)
export const support = several(
  scene(
    some(
      'Support Ticket Opened',
      'Support Ticket Opened',
      'Support Ticket Updated',
      'Support Ticket Resolved',
      'Support Ticket Reopened',
    ),
    maybe({ ticketId: some('1', '2', '3'), priority: some('low', 'high', 'urgent'), slaBreached: fc.boolean() }),
  ),
  7,
)
export const nps = several(scene(some('NPS Responded'), maybe({ score: fc.integer({ min: 0, max: 10 }) }, ['score'])))
export const csat = several(
  scene(some('CSAT Responded'), maybe({ score: fc.integer({ min: 1, max: 5 }), scale: some(5, 7, 10) }, ['score'])),
  6,
)

/**
 * A customer who is doing well up to a day: core use by most people, promoters, contact, a plan
 * that grew.
 */
export const goodCustomer: fc.Arbitrary<readonly Scene[]> = fc
  .record({ first: dayOffset, days: fc.integer({ min: 30, max: 80 }), time: timeOfDay, grew: some(true, false) })
  .map(({ first, days, time, grew }) => {
    const on = (day: number, type: string, properties = {}, userId: string | null = 'ana'): Scene => ({
      type,
      offsetMs: (first + day) * DAY_MS + time,
      userId,
      properties,
    })
    const use = Array.from({ length: days }, (_, day) =>
      on(
        day,
        'Feature Used',
        { feature: day % 3 === 0 ? 'export' : 'reports', core: true },
        day % 2 === 0 ? 'ana' : 'bo',
      ),
    )
    const answers = [on(days - 2, 'NPS Responded', { score: 9 }), on(days - 1, 'NPS Responded', { score: 10 }, 'bo')]
    const calls = [on(days - 3, 'Touchpoint Logged', { kind: 'qbr' }), on(0, 'Value Realized')]
    const grown = grew ? [on(days - 4, 'Subscription Upgraded', { subscriptionId: 's1' })] : []
    return [...use, ...answers, ...calls, ...grown]
  })
