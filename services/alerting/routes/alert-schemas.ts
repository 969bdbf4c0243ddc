import { z } from 'zod'
import { SEVERITIES } from '#libs/contracts/severity.ts'
import { toInstant } from '#libs/runtime/clock.ts'
import type { AlertRow, TransitionRow } from '../alerts/alert-queries.ts'

export const ALERT_STATES = ['pending', 'firing', 'recovering', 'resolved'] as const
const instant = z.iso.datetime().nullable()

const EXAMPLE = {
  id: '0f0c7a52-52a8-5a30-a3ab-2a8f0d9c2b11',
  accountId: 'acme',
  source: null,
  ruleId: 'at_risk_entered',
  episode: 1,
  severity: 'warning',
  state: 'firing',
  reason: 'crossed',
  ownerId: 'kim',
  openedAt: '2026-11-22T10:00:00.000Z',
  firedAt: '2026-11-22T10:00:00.000Z',
  resolvedAt: null,
  acknowledgedAt: null,
  acknowledgedBy: null,
  snoozedUntil: null,
  told: true,
  notToldBecause: null,
}

const alertShape = {
  id: z.uuid(),
  accountId: z.string().nullable().describe('Null for alerts of operators: about a source, or about all accounts'),
  source: z.string().nullable().describe('The source that is silent; null for all other alerts'),
  ruleId: z.string(),
  episode: z.int().describe('Which crossing of this rule by this account'),
  severity: z.enum(SEVERITIES),
  state: z.enum(ALERT_STATES),
  reason: z.string().describe('Why it opened'),
  ownerId: z.string().nullable(),
  openedAt: z.iso.datetime(),
  firedAt: instant,
  resolvedAt: instant,
  acknowledgedAt: instant,
  acknowledgedBy: z.string().nullable(),
  snoozedUntil: instant,
  told: z.boolean().describe('Whether webhooks were notified'),
  notToldBecause: z
    .string()
    .nullable()
    .describe('backfill, cooldown, silenced, snoozed, inhibited, outage, held, quiet_hours, digest_only, ...'),
}

export const alertSchema = z.object(alertShape).meta({ examples: [EXAMPLE] })

export const alertDetailSchema = z
  .object({
    ...alertShape,
    transitions: z.array(
      z.object({
        kind: z.string(),
        reason: z.string(),
        at: z.iso.datetime(),
        told: z.boolean(),
        notToldBecause: z.string().nullable(),
        by: z.string().nullable().describe('Who did it; null: Pulso itself'),
      }),
    ),
    evidence: z
      .record(z.string(), z.unknown())
      .describe(
        'Sequence, health, explanation and facts of the account when the alert opened; other alerts: their counts',
      ),
  })
  .meta({
    examples: [
      {
        ...EXAMPLE,
        transitions: [
          {
            kind: 'firing',
            reason: 'crossed',
            at: '2026-11-22T10:00:00.000Z',
            told: true,
            notToldBecause: null,
            by: null,
          },
        ],
        evidence: { sequence: 43 },
      },
    ],
  })

const orNull = (at: number | null): string | null => (at === null ? null : toInstant(at))

export const toAlert = (row: AlertRow): z.infer<typeof alertSchema> => ({
  id: row.alertId,
  accountId: row.accountId,
  source: row.source,
  ruleId: row.ruleId,
  episode: row.episode,
  severity: row.severity,
  state: row.state,
  reason: row.reason,
  ownerId: row.ownerId,
  openedAt: toInstant(row.openedAt),
  firedAt: orNull(row.firedAt),
  resolvedAt: orNull(row.resolvedAt),
  acknowledgedAt: orNull(row.acknowledgedAt),
  acknowledgedBy: row.acknowledgedBy,
  snoozedUntil: orNull(row.snoozedUntil),
  told: row.told,
  notToldBecause: row.muted,
})

export const toAlertDetail = (
  row: AlertRow & { readonly evidence: Record<string, unknown> },
  transitions: readonly TransitionRow[],
): z.infer<typeof alertDetailSchema> => ({
  ...toAlert(row),
  transitions: transitions.map((one) => ({
    kind: one.kind,
    reason: one.reason,
    at: toInstant(one.at),
    told: one.told,
    notToldBecause: one.muted,
    by: one.actor,
  })),
  evidence: row.evidence,
})
