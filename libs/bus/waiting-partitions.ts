import type { Clock } from '#libs/runtime/clock.ts'
import type { Gauge } from '#libs/runtime/metrics.ts'

/** A shorter wait is a conflict between two writers, of which nobody need know. */
const NOTICED_AFTER_MS = 2_000

export type PartitionOfGroup = { readonly topic: string; readonly partition: number; readonly group: string }

type Deps = { readonly clock: Clock; readonly gauge: Gauge }

/** The partitions that are held up by a dependency or by an unknown fault of the environment. */
export const createWaitingPartitions = ({ clock, gauge }: Deps) => {
  const since = new Map<PartitionOfGroup, number>()
  return {
    /** The answer ends the wait. */
    begin: (partition: PartitionOfGroup): (() => void) => {
      const { topic, group } = partition
      since.set(partition, clock.now())
      gauge.inc({ topic, group })
      return () => {
        since.delete(partition)
        gauge.dec({ topic, group })
      }
    },
    /** Those that have waited for more than two seconds. */
    list: (): readonly PartitionOfGroup[] =>
      [...since].filter(([, at]) => clock.now() - at >= NOTICED_AFTER_MS).map(([partition]) => partition),
  }
}
export type WaitingPartitions = ReturnType<typeof createWaitingPartitions>
