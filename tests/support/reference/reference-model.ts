/**
 * What differs between models in the comparison; the numbers of the default model below are data
 * copied from the specification.
 */
export type ReferenceModel = {
  readonly coreFeatures: readonly string[]
  /** Custom event type -> feature name, or null = no activity. */
  readonly features: Readonly<Record<string, string | null>>
  readonly connected: readonly string[]
  readonly sources: readonly {
    readonly source: string
    readonly groups: readonly string[]
    readonly expectedIntervalHours: number
  }[]
  readonly requiredSteps: readonly string[]
  readonly onboardingTargetDays: number
  /** Types that are first value beside `Value Realized` and `Goal Achieved`. */
  readonly firstValueTypes: readonly string[]
}

export const plainModel: ReferenceModel = {
  coreFeatures: [],
  features: {},
  connected: [],
  sources: [],
  requiredSteps: [],
  onboardingTargetDays: 90,
  firstValueTypes: [],
}

/** The account's own event of `POST .../journey/bypass`. */
export const BYPASS = 'Onboarding Bypassed'

export type Column = 'onboarding' | 'adoption' | 'renewal'

export const GROUPS = ['onboarding', 'usage', 'adoption', 'support', 'sentiment', 'commercial', 'relationship'] as const
export type Group = (typeof GROUPS)[number]

export const STAGE_WEIGHTS: Readonly<Record<Column, Readonly<Record<Group, number>>>> = {
  onboarding: { onboarding: 45, usage: 25, adoption: 10, support: 10, sentiment: 5, commercial: 5, relationship: 0 },
  adoption: { onboarding: 0, usage: 35, adoption: 25, support: 15, sentiment: 10, commercial: 10, relationship: 5 },
  renewal: { onboarding: 0, usage: 25, adoption: 15, support: 15, sentiment: 15, commercial: 20, relationship: 10 },
}

/** Weight of each factor within its group, in the order of the specification. */
export const FACTOR_WEIGHTS: Readonly<Record<string, number>> = {
  'onboarding.progress': 60,
  'onboarding.stall': 25,
  'onboarding.first_value': 15,
  'usage.active_ratio': 35,
  'usage.active_days': 25,
  'usage.trend': 30,
  'usage.recency': 10,
  'adoption.breadth': 60,
  'adoption.depth': 40,
  'support.ticket_rate': 30,
  'support.urgent_open': 40,
  'support.sla_breach': 30,
  'sentiment.nps': 50,
  'sentiment.csat': 50,
  'commercial.payment': 50,
  'commercial.plan': 25,
  'commercial.renewal': 25,
  'relationship.touch': 50,
  'relationship.champion': 50,
}

/** Anchors value -> points, from the left to the right. */
export const CURVES: Readonly<Record<string, readonly (readonly [number, number])[]>> = {
  'onboarding.progress': [
    [0, 0],
    [0.5, 40],
    [0.8, 70],
    [1, 100],
  ],
  'onboarding.stall': [
    [0, 100],
    [7, 80],
    [14, 40],
    [21, 0],
  ],
  'usage.active_ratio': [
    [0, 0],
    [0.2, 40],
    [0.4, 70],
    [0.7, 100],
  ],
  'usage.active_days': [
    [0, 0],
    [4, 40],
    [8, 65],
    [16, 100],
  ],
  'usage.trend': [
    [0.5, 0],
    [0.8, 50],
    [0.95, 75],
    [1, 80],
    [1.2, 100],
  ],
  'usage.recency': [
    [2, 100],
    [7, 60],
    [14, 20],
    [21, 0],
  ],
  'adoption.breadth': [
    [0, 0],
    [0.25, 40],
    [0.5, 70],
    [0.8, 100],
  ],
  'adoption.depth': [
    [0, 0],
    [0.2, 40],
    [0.4, 75],
    [0.7, 100],
  ],
  'support.ticket_rate': [
    [0, 90],
    [1, 80],
    [3, 50],
    [6, 0],
  ],
  'support.urgent_open': [
    [0, 100],
    [1, 40],
    [2, 0],
  ],
  'support.sla_breach': [
    [0, 100],
    [0.1, 70],
    [0.25, 30],
    [0.5, 0],
  ],
  'sentiment.nps': [
    [0, 0],
    [6, 30],
    [7, 55],
    [8, 75],
    [9, 90],
    [10, 100],
  ],
  'sentiment.csat': [
    [0.5, 0],
    [0.7, 50],
    [0.9, 100],
  ],
  'relationship.touch': [
    [30, 100],
    [60, 70],
    [90, 30],
    [120, 0],
  ],
}

const activityNames = `Signed In|User Logged In|Signed Up|Feature Used|Value Realized|Goal Achieved|Invite Sent
|Onboarding Step Completed|Training Completed|Help Article Viewed`
const otherNames = `identify|group|Account Created|Account Deleted|Account Added User|Account Removed User|Signed Out
|Trial Started|Trial Ended|Goal Set|Onboarding Started|Onboarding Completed|Help Search Failed|Support Ticket Opened
|Support Ticket Updated|Support Ticket Resolved|Support Ticket Reopened|NPS Responded|CSAT Responded|Feedback Received
|Subscription Started|Subscription Renewed|Subscription Upgraded|Subscription Downgraded|Subscription Cancel Scheduled
|Subscription Cancel Reverted|Subscription Canceled|Subscription Reactivated|Invoice Paid|Payment Failed
|Invoice Payment Failed|Invoice Overdue|Seat Limit Approached|Plan Limit Approached|Touchpoint Logged|Champion Changed
|Cost Recorded|Referral Made|Review Published|Source Heartbeat|${BYPASS}`
const split = (names: string): readonly string[] => names.replaceAll('\n', '').split('|')

/** Types of the event table that are activity. */
export const ACTIVITY_TYPES = split(activityNames)
/** Types of the event table that are not; every name in neither list is a custom event. */
export const OTHER_TYPES = split(otherNames)
