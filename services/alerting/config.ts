import type { z } from 'zod'
import { webhookConfigSchema } from './webhook-config.ts'

export const alertingConfigSchema = webhookConfigSchema
export type AlertingConfig = z.infer<typeof alertingConfigSchema>
