import { z } from 'zod'
import type { Outlook } from '../../core/insights/outlook.ts'
import type { Reason } from '../../core/insights/weigh-signals.ts'

const reasonSchema = z.object({
  signal: z.string(),
  value: z.union([z.number(), z.boolean()]).nullable(),
  points: z
    .number()
    .nullable()
    .describe('How strongly the signal supports the answer, 0..100; null: unknown, or a limit'),
  weight: z.number(),
  speaks: z.enum(['for', 'against', 'unknown']),
  contribution: z.number().describe('Part of the score'),
  limit: z
    .union([z.literal('blocks'), z.number()])
    .nullable()
    .describe('`blocks` the answer, or raises its score to at least this'),
})

const score = z.number().nullable().describe('0..100, the weighted mean of the known signals; null without any')

export const expansionReadinessSchema = z.object({
  level: z
    .enum(['ready', 'building', 'blocked', 'unknown'])
    .describe('unknown: neither seat use nor plan use is known'),
  score,
  reasons: z.array(reasonSchema),
})

export const renewalRiskSchema = z.object({
  level: z.enum(['low', 'elevated', 'high']).nullable().describe('null: churned, or nothing is known'),
  score: score.describe('0..100, higher is riskier; not a probability'),
  reasons: z.array(reasonSchema),
})

const reason = (signal: string, value: number, points: number, weight: number, contribution: number): Reason => ({
  signal,
  value,
  points,
  weight,
  speaks: points >= 50 ? 'for' : 'against',
  contribution,
  limit: null,
})

export const OUTLOOK_EXAMPLE: z.input<typeof outlookFields> = {
  expansionReadiness: {
    level: 'building',
    score: 73.3333,
    reasons: [reason('health', 80, 100, 20, 33.3333), reason('seat_use', 0.75, 66.6667, 30, 40)],
  },
  renewalRisk: { level: 'low', score: 10, reasons: [reason('health', 75, 10, 35, 10)] },
}

export const outlookFields = z.object({
  expansionReadiness: expansionReadinessSchema,
  renewalRisk: renewalRiskSchema,
})

export const toOutlook = ({ expansionReadiness, renewalRisk }: Outlook): z.input<typeof outlookFields> => ({
  expansionReadiness: { ...expansionReadiness, reasons: [...expansionReadiness.reasons] },
  renewalRisk: { ...renewalRisk, reasons: [...renewalRisk.reasons] },
})
