import { deadTopicOf } from '#libs/contracts/topics.ts'
import { systemClock } from '#libs/runtime/clock.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#libs/runtime/durations.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import { type Repeating, repeat } from '#libs/runtime/repeat.ts'
import type { GroupStore } from './group-store.ts'
import type { LogStore } from './log-store.ts'

const DEAD_RETENTION_MS = 30 * DAY_MS

export type RetentionOptions = {
  readonly log: LogStore
  readonly groups: GroupStore
  readonly logger: Logger
  readonly retentionMs: number | undefined
}

/** Deletes old records and dead members, once a minute. */
export const createRetention = ({ log, groups, logger, retentionMs = HOUR_MS }: RetentionOptions): Repeating =>
  repeat(
    { clock: systemClock, logger, everyMs: MINUTE_MS, failure: 'old records could not be deleted yet' },
    async (stopping) => {
      await groups.forgetDeadMembers()
      for (const { topic_id: topicId, partition, name } of await log.listPartitions()) {
        const keepMs = name.endsWith(deadTopicOf('')) ? DEAD_RETENTION_MS : retentionMs
        while (!stopping.aborted && (await log.deleteOld({ topicId, partition }, keepMs))) {}
      }
      return undefined
    },
  )
