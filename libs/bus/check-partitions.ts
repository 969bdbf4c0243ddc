import { monotonicMs } from '#libs/runtime/clock.ts'
import { UnavailableError } from '#libs/runtime/errors.ts'
import type { Bus } from './bus.ts'

/** For readiness: rejects while a dependency holds up a partition of this process. */
export const checkPartitions = async (bus: Bus): Promise<void> => {
  const [held] = bus.waiting()
  if (held) throw new UnavailableError(`partition ${held.partition} of ${held.topic} waits`)
}

/** A rebalance, or a lease that a killed member left behind, takes less. */
const ABSENT_MS = 30_000

/** For readiness: rejects when a consumer has been without its share of partitions for long. */
export const checkMembership = async (group: string, memberAtMs: number): Promise<void> => {
  if (monotonicMs() - memberAtMs > ABSENT_MS) throw new UnavailableError(`no member of the group ${group}`)
}
