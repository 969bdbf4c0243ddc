import { z } from 'zod'
import { SEVERITIES } from '#libs/contracts/severity.ts'
import { issuesText } from '#libs/http/json-pointer.ts'
import { parseDuration } from '#libs/runtime/durations.ts'
import { isTimeZone, type Weekday } from '#libs/time/time-zone.ts'
import type { NotificationPolicy } from '../core/alert/notification-policy.ts'
import { durationSchema } from '../rules/condition-schemas.ts'

const timeZone = z
  .string()
  .max(64)
  .refine(isTimeZone, 'An IANA time zone such as Europe/Berlin')
  .default('UTC')
  .describe('An IANA time zone')
const wallTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'A time of day such as 07:30')
const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const satisfies readonly Weekday[]
const weekdays = z.array(z.enum(WEEKDAYS)).max(7)
const severities = z.array(z.enum(SEVERITIES)).min(1).max(3)
const span = durationSchema.refine((text) => parseDuration(text)! >= 1_000, 'At least 1s')

const quietHoursSchema = z
  .strictObject({
    timeZone,
    from: wallTime.nullable().default(null),
    to: wallTime.nullable().default(null),
    quietDays: weekdays.max(6, 'One day is not quiet').default([]).describe('Days that are quiet as a whole'),
    criticalPasses: z.boolean().default(true).describe('Critical alerts are told all the same'),
  })
  .refine(({ from, to }) => (from === null) === (to === null), { path: ['to'], error: 'from and to go together' })
  .refine(({ from, to }) => from === null || from !== to, { path: ['to'], error: 'Another time than from' })
  .refine(({ from, quietDays }) => from !== null || quietDays.length > 0, {
    path: ['from'],
    error: 'from and to, or quietDays',
  })
  .describe('Alerts that open then are told when the quiet ends, if they still fire; recoveries are sent then')

const groupingSchema = z
  .strictObject({
    window: span.default('5m').describe('How long alerts are gathered, from the first on'),
    severities: severities.default(['info', 'warning']),
  })
  .describe('Alerts of one owner are told in one `alert.grouped`, to endpoints that take this type')

const escalationSchema = z
  .strictObject({
    after: span.default('1h').describe('How long after it was told'),
    severities: severities.default(['critical']).describe('Which alerts'),
    severity: z.enum(SEVERITIES).default('critical').describe('What it is told as, for the filters of endpoints'),
    endpointIds: z
      .array(z.uuid())
      .max(20)
      .default([])
      .describe('Told whatever they subscribe to; empty: the endpoints that take `alert.escalated`'),
  })
  .describe('An alert that still fires and nobody acknowledged is told once more, as `alert.escalated`')

const digestSchema = z
  .strictObject({ timeZone, at: wallTime.default('08:00'), days: weekdays.min(1).default([...WEEKDAYS]) })
  .describe('Each owner’s alerts since the last digest, as `alert.digest`')

/** How a tenant wants to be notified of alerts; every part may be absent. */
export const policyDocumentSchema = z.strictObject({
  quietHours: quietHoursSchema.nullable().default(null),
  grouping: groupingSchema.nullable().default(null),
  escalation: escalationSchema.nullable().default(null),
  digest: digestSchema.nullable().default(null),
})
export type PolicyDocument = z.infer<typeof policyDocumentSchema>

export const toPolicy = ({ quietHours, grouping, escalation, digest }: PolicyDocument): NotificationPolicy => ({
  quietHours: quietHours && {
    timeZone: quietHours.timeZone,
    hours: quietHours.from && quietHours.to ? { from: minuteOf(quietHours.from), to: minuteOf(quietHours.to) } : null,
    quietDays: quietHours.quietDays,
    criticalPasses: quietHours.criticalPasses,
  },
  grouping: grouping && { windowMs: parseDuration(grouping.window)!, severities: grouping.severities },
  escalation: escalation && { ...escalation, afterMs: parseDuration(escalation.after)! },
  digest: digest && { timeZone: digest.timeZone, minute: minuteOf(digest.at), days: digest.days },
})

export type ReadPolicy = {
  readonly document: PolicyDocument
  readonly policy: NotificationPolicy
  /** Null: all of it could be read. */
  readonly problem: string | null
  readonly isDigestReadable: boolean
}

/**
 * A policy as it is stored. Another release may have stored what this one cannot read: quiet hours
 * and groups then hold back no alert, since what is unknown may be an exception to them. An
 * escalation and a digest only tell more, so that each holds where it can be read by itself.
 */
export const readPolicy = (stored: unknown): ReadPolicy => {
  const read = policyDocumentSchema.safeParse(stored)
  if (read.success) return { document: read.data, policy: toPolicy(read.data), problem: null, isDigestReadable: true }
  const members = z.record(z.string(), z.unknown()).safeParse(stored).data
  const escalation = policyDocumentSchema.shape.escalation.safeParse(members?.escalation).data ?? null
  const digest = policyDocumentSchema.shape.digest.safeParse(members?.digest)
  const document = { quietHours: null, grouping: null, escalation, digest: digest.data ?? null }
  return {
    document,
    policy: toPolicy(document),
    problem: issuesText(read.error.issues),
    isDigestReadable: members !== undefined && digest.success,
  }
}

const minuteOf = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3))
