import { isOfNewerRelease } from '#libs/contracts/record-version.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { MINUTE_MS } from '#libs/runtime/durations.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import type { Counter } from '#libs/runtime/metrics.ts'
import type { Batch, ConsumeOptions } from './bus.ts'

type Deps = { readonly count: Counter; readonly clock: Clock; readonly logger: Logger }

/**
 * Counts what a newer release wrote, of the records that are handled, with a line a minute. Their
 * readers take what they know of it. Records of a batch mostly share their headers: one look each.
 */
export const createNewerRecords = ({ count, clock, logger }: Deps) => {
  let loggedAt = Number.NEGATIVE_INFINITY

  const look = ({ topic, records }: Batch, group: string): void => {
    // The headers of a dead letter are ours, its `version` is the original's.
    const name = topic.endsWith('.dead') ? 'dead-version' : 'version'
    let headers: Readonly<Record<string, string>> | undefined
    let isNewer = false
    let newer = 0
    for (const record of records) {
      if (record.headers !== headers) {
        headers = record.headers
        isNewer = isOfNewerRelease(headers[name])
      }
      if (isNewer) newer++
    }
    if (newer === 0) return
    count.inc({ topic, group }, newer)
    if (clock.now() - loggedAt < MINUTE_MS) return
    loggedAt = clock.now()
    logger.warn({ topic, group, records: newer }, 'records of a newer release are read as far as this one knows them')
  }

  return (options: ConsumeOptions): ConsumeOptions => ({
    ...options,
    handle: async (batch) => {
      await options.handle(batch)
      look(batch, options.group)
    },
  })
}
