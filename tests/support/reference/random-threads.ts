import fc from 'fast-check'
import { type Beat, beat, DAY_MS, dayOffset, maybe, several, some, timeOfDay, user } from './random-beats.ts'

const feature = some('reports', 'export', 'api', 'widgets', 'chat')

/** Use on every `step`-th day, as a living customer does: enough core events for a trend. */
export const regularUse: fc.Arbitrary<readonly Beat[]> = fc
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
  beat(
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
  beat(
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
  beat(
    some('Plan Limit Approached'),
    maybe({ used: fc.nat({ max: 20 }), limit: fc.nat({ max: 20 }) }, ['used', 'limit']),
  ),
  2,
)
export const value = several(
  beat(some('Value Realized', 'Goal Achieved'), maybe({ goalId: some('g'), amount: fc.nat() })),
  2,
)
const journeyId = some('main', 'module', 'second')
const stepId = some('connect', 'invite', 'publish', 'extra')
export const onboarding = several(
  fc.oneof(
    beat(
      some('Onboarding Started'),
      maybe({ journeyId, steps: fc.array(stepId, { maxLength: 3 }), stepCount: some(0, 1, 2, 2.7, 3) }),
    ),
    beat(some('Onboarding Started'), maybe({})),
    {
      weight: 4,
      arbitrary: beat(some('Onboarding Step Completed'), maybe({ journeyId, stepId, required: fc.boolean() })),
    },
    { weight: 2, arbitrary: beat(some('Onboarding Step Completed'), maybe({ stepId }, ['stepId'])) },
    beat(some('Onboarding Completed', 'Onboarding Bypassed'), maybe({ journeyId })),
  ),
  7,
)
export const support = several(
  beat(
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
export const nps = several(beat(some('NPS Responded'), maybe({ score: fc.integer({ min: 0, max: 10 }) }, ['score'])))
export const csat = several(
  beat(some('CSAT Responded'), maybe({ score: fc.integer({ min: 1, max: 5 }), scale: some(5, 7, 10) }, ['score'])),
  6,
)
