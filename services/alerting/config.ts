import type { z } from 'zod'
import { envInteger } from '#libs/runtime/config.ts'
import { webhookConfigSchema } from './endpoints/webhook-config.ts'

export const alertingConfigSchema = webhookConfigSchema.extend({
  PULSO_PREVIEW_DAYS: envInteger(1, 400, 90).describe('Days of changes kept for previews of rules'),
  PULSO_ALERT_RETENTION_DAYS: envInteger(1, 3_650, 400).describe('Days that resolved alerts are kept'),
  PULSO_DELIVERY_RETENTION_DAYS: envInteger(4, 400, 30).describe('Days that deliveries are kept'),
})
export type AlertingConfig = z.infer<typeof alertingConfigSchema>
