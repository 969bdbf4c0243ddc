import type { Consumer } from 'kafkajs'
import { failpoint } from '#libs/runtime/failpoint.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import type { FetchScheduler } from '../fetch-scheduler.ts'
import type { AssignedPartitions } from './partitions.ts'

export type Membership = {
  readonly consumer: Consumer
  readonly topic: string
  readonly group: string
  readonly partitions: AssignedPartitions
  readonly scheduler: FetchScheduler
  readonly logger: Logger
  /** Finds where the partitions begin; absent: where the broker says. */
  readonly place?: (partitions: readonly number[]) => void
}

/** Commits positions that the group does not know. A failure is logged: the next one repeats. */
export const commitPositions = async ({ consumer, topic, partitions, logger }: Membership): Promise<void> => {
  const due = partitions.uncommitted()
  if (due.length === 0) return
  try {
    failpoint('bus.position.before')
    await consumer.commitOffsets(due.map(({ partition, position }) => ({ topic, partition, offset: String(position) })))
    failpoint('bus.position.after')
    partitions.committed(due)
  } catch (error) {
    logger.debug({ topic, reason: (error as Error).message }, 'positions not committed')
  }
}

export const followAssignments = (membership: Membership): void => {
  const { consumer, topic, group, partitions, scheduler, logger } = membership
  const { REBALANCING, GROUP_JOIN } = consumer.events
  let memberId: string | undefined
  consumer.on(REBALANCING, () => void commitPositions(membership))
  consumer.on(GROUP_JOIN, ({ payload }) => {
    const assigned = payload.memberAssignment[topic] ?? []
    // A member that rejoins under a new id may have missed commits: it starts from the group's.
    if (payload.memberId !== memberId) partitions.assign([])
    memberId = payload.memberId
    const { kept, lost } = partitions.assign(assigned)
    scheduler.forget(lost)
    membership.place?.(assigned.filter((partition) => !kept.includes(partition)))
    // kafkajs goes back to the committed positions of kept partitions, whose records are in memory.
    for (const partition of kept) {
      const { next } = partitions.get(partition)
      if (next !== undefined) consumer.seek({ topic, partition, offset: String(next) })
    }
    logger.info({ topic, group, partitions: assigned }, 'partitions assigned')
  })
}
