/** What an event type feeds in the state, besides activity. */
export type Feeds =
  | 'traits'
  | 'lifecycle'
  | 'journey_start'
  | 'journey_step'
  | 'journey_done'
  | 'journey_bypass'
  | 'ticket'
  | 'nps'
  | 'csat'
  | 'subscription'
  | 'invoice'
  | 'plan_limit'
  | 'touch'
  | 'champion'
  | 'advocacy'
  | 'nothing'

/** Recorded by the API: ends a journey; neither activity nor a first event. */
export const BYPASS_TYPE = 'Onboarding Bypassed'

/** Every other type is a custom event. */
export const KNOWN_TYPES: ReadonlyMap<string, Feeds> = new Map<string, Feeds>([
  ['identify', 'traits'],
  ['group', 'traits'],
  ['Account Created', 'lifecycle'],
  ['Account Deleted', 'lifecycle'],
  ['Account Added User', 'nothing'],
  ['Account Removed User', 'nothing'],
  ['Signed Up', 'nothing'],
  ['Signed In', 'nothing'],
  ['User Logged In', 'nothing'],
  ['Signed Out', 'nothing'],
  ['Invite Sent', 'nothing'],
  ['Trial Started', 'nothing'],
  ['Trial Ended', 'nothing'],
  ['Feature Used', 'nothing'],
  ['Value Realized', 'nothing'],
  ['Goal Set', 'nothing'],
  ['Goal Achieved', 'nothing'],
  ['Onboarding Started', 'journey_start'],
  ['Onboarding Step Completed', 'journey_step'],
  ['Onboarding Completed', 'journey_done'],
  [BYPASS_TYPE, 'journey_bypass'],
  ['Training Completed', 'nothing'],
  ['Help Article Viewed', 'nothing'],
  ['Help Search Failed', 'nothing'],
  ['Support Ticket Opened', 'ticket'],
  ['Support Ticket Updated', 'ticket'],
  ['Support Ticket Resolved', 'ticket'],
  ['Support Ticket Reopened', 'ticket'],
  ['NPS Responded', 'nps'],
  ['CSAT Responded', 'csat'],
  ['Feedback Received', 'nothing'],
  ['Subscription Started', 'subscription'],
  ['Subscription Renewed', 'subscription'],
  ['Subscription Upgraded', 'subscription'],
  ['Subscription Downgraded', 'subscription'],
  ['Subscription Cancel Scheduled', 'subscription'],
  ['Subscription Cancel Reverted', 'subscription'],
  ['Subscription Canceled', 'subscription'],
  ['Subscription Reactivated', 'subscription'],
  ['Invoice Paid', 'invoice'],
  ['Payment Failed', 'invoice'],
  ['Invoice Payment Failed', 'invoice'],
  ['Invoice Overdue', 'invoice'],
  ['Seat Limit Approached', 'nothing'],
  ['Plan Limit Approached', 'plan_limit'],
  ['Touchpoint Logged', 'touch'],
  ['Champion Changed', 'champion'],
  ['Cost Recorded', 'nothing'],
  ['Referral Made', 'advocacy'],
  ['Review Published', 'advocacy'],
  ['Source Heartbeat', 'nothing'],
])
