import { z } from 'zod'
import { accountHealthSchema } from './account-health.ts'
import { alertEventSchema } from './alert-event.ts'
import { sourceActivitySchema } from './source-activity.ts'
import { usageRecordSchema } from './usage-event.ts'

export type TopicName = 'usage.events' | 'account.health' | 'source.activity' | 'alert.events'

const version = z
  .string()
  .optional()
  .describe('1, also where it is absent; a reader takes of a higher one what it knows, and other values as "other"')
const recordHeadersSchema = z.object({ version })

export type TopicContract = {
  readonly summary: string
  readonly key: string
  readonly headers: z.ZodType
  readonly partitions: number
  readonly schema: z.ZodType
  readonly writtenBy: readonly string[]
  readonly readBy: readonly string[]
}

/** All that services know of each other. Failed records go to `<topic>.dead`, one partition. */
export const TOPICS: Readonly<Record<TopicName, TopicContract>> = {
  // The header `kind` tells facts (`event`) from commands (`evaluate`). They share the topic so
  // that an account has one writer: the consumer of its partition.
  'usage.events': {
    summary:
      'Facts from product backends, and commands to evaluate an account; one partition has all of an account, in order',
    key: 'tenantId:accountId',
    headers: recordHeadersSchema.extend({
      kind: z.enum(['event', 'evaluate']).optional().describe('Default: event'),
      'signed-at': z
        .string()
        .optional()
        .describe('<instant>.<HMAC>, by processes of Pulso only: proves `receivedAt`, and a command'),
    }),
    partitions: 8,
    schema: usageRecordSchema,
    writtenBy: ['ingest', 'scoring', 'product backends'],
    readBy: ['scoring'],
  },
  'account.health': {
    summary: 'Every change of an account: score, band, stage or fact, with its explanation',
    key: 'tenantId:accountId',
    headers: recordHeadersSchema,
    partitions: 8,
    schema: accountHealthSchema,
    writtenBy: ['scoring'],
    readBy: ['alerting'],
  },
  'source.activity': {
    summary: 'That a source of a tenant was heard, at most once a minute per source',
    key: 'tenantId:source',
    headers: recordHeadersSchema,
    partitions: 1,
    schema: sourceActivitySchema,
    writtenBy: ['scoring'],
    readBy: ['alerting'],
  },
  'alert.events': {
    summary: 'Every transition of an alert',
    key: 'tenantId:accountId, or tenantId:source for an alert about a source',
    headers: recordHeadersSchema,
    partitions: 4,
    schema: alertEventSchema,
    writtenBy: ['alerting'],
    readBy: ['anyone'],
  },
}

export type DeadTopicName = `${TopicName}.dead`

export const deadTopicOf = <Topic extends string>(topic: Topic): `${Topic}.dead` => `${topic}.dead`

/** Headers of a record on `<topic>.dead`, beside the original ones. Key and value are unchanged. */
export const deadLetterHeadersSchema = z.object({
  'dead-reason': z.string(),
  'dead-topic': z.string(),
  'dead-partition': z.string(),
  'dead-offset': z.string(),
  'dead-at': z.string(),
  'dead-timestamp': z.string().optional().describe('When the log took the record in; former releases did not say'),
  'dead-version': z.string().optional().describe('As `version`, of these headers; `version` is of the original'),
})
export type DeadLetterHeaders = z.infer<typeof deadLetterHeadersSchema>

export const deadLetterContract = {
  summary: 'A record that could not be processed: original key, bytes and headers, and why',
  schema: deadLetterHeadersSchema,
}

export type AccountKey = { readonly tenantId: string; readonly accountId: string }

/** Key of the topics about accounts. Tenant ids hold no ':', so the first one ends the tenant. */
export const accountKey = (tenantId: string, accountId: string): string => `${tenantId}:${accountId}`

export const sourceKey = (tenantId: string, source: string): string => `${tenantId}:${source}`
