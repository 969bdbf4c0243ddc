import { z } from 'zod'
import { envFlag } from '#libs/runtime/config.ts'
import { parseDuration } from '#libs/runtime/durations.ts'
import { DEFAULT_SCHEDULE } from '../core/delivery/retry-schedule.ts'
import { parseAllowEntry } from './allowed-address.ts'

const list = (text: string): string[] => text.split(',').filter((part) => part.trim() !== '')

/** Reads each part of a comma-separated list by `parse`; an unreadable part is an error. */
const listOf = <Item>(parse: (part: string) => Item | undefined, message: string) =>
  z.string().transform((text, context) => {
    const items = list(text).map(parse)
    if (items.every((item) => item !== undefined)) return items as Item[]
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  })

export const webhookConfigSchema = z.object({
  PULSO_WEBHOOK_ALLOW: listOf(parseAllowEntry, 'must be CIDR:port, CIDR:* or public:port, comma-separated')
    .prefault('')
    .describe('Addresses and ports opened for webhooks beyond public addresses on 443, such as 127.0.0.1/32:*'),
  PULSO_WEBHOOK_ALLOW_HTTP: envFlag(false).describe('Permit http:// endpoints'),
  PULSO_WEBHOOK_SCHEDULE: listOf(parseDuration, 'must be durations such as 0s,5s,5m, comma-separated')
    .refine((delays) => delays[0] === 0, 'must start with 0s: the first try is made at once')
    .refine((delays) => delays.length <= 50, 'must have at most 50 entries')
    .prefault(DEFAULT_SCHEDULE.map((delayMs) => `${delayMs}ms`).join(','))
    .describe('Delay before each try'),
})
export type WebhookConfig = z.infer<typeof webhookConfigSchema>
