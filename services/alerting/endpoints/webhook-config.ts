import { z } from 'zod'
import { envFlag, envList } from '#libs/runtime/config.ts'
import { parseDuration } from '#libs/runtime/durations.ts'
import { DEFAULT_SCHEDULE } from '../core/delivery/retry-schedule.ts'
import { parseAllowEntry } from './allowed-address.ts'

export const webhookConfigSchema = z.object({
  PULSO_WEBHOOK_ALLOW: envList(parseAllowEntry, 'must be CIDR:port, CIDR:* or public:port, comma-separated')
    .prefault('')
    .describe('Addresses and ports opened for webhooks beyond public addresses on 443, such as 127.0.0.1/32:*'),
  PULSO_WEBHOOK_ALLOW_HTTP: envFlag(false).describe('Permit http:// endpoints'),
  PULSO_WEBHOOK_SCHEDULE: envList(parseDuration, 'must be durations such as 0s,5s,5m, comma-separated')
    .refine((delays) => delays[0] === 0, 'must start with 0s: the first try is made at once')
    .refine((delays) => delays.length <= 50, 'must have at most 50 entries')
    .prefault(DEFAULT_SCHEDULE.map((delayMs) => `${delayMs}ms`).join(','))
    .describe('Delay before each try'),
  PULSO_WEBHOOK_SEAL_URLS: envFlag(true).describe('Seal URLs at rest; false: store them plain, before a roll-back'),
  PULSO_WEBHOOK_VERIFY: envFlag(false).describe('Send nothing but tests to a new URL until it answered one'),
})
export type WebhookConfig = z.infer<typeof webhookConfigSchema>
