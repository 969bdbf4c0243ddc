import { UnavailableError } from '#libs/runtime/errors.ts'
import type { Bus } from './bus.ts'

/** For readiness: rejects while a dependency holds up a partition of this process. */
export const checkPartitions = async (bus: Bus): Promise<void> => {
  const [held] = bus.waiting()
  if (held) throw new UnavailableError(`partition ${held.partition} of ${held.topic} waits`)
}
