import type { Bus } from '#libs/bus/bus.ts'
import { createEventMaker, toRecord } from './make-events.ts'

const PER_PUBLISH = 2_000
const IN_FLIGHT = 4

/** Puts `count` live events on `usage.events`. */
export const fillLog = async (bus: Bus, count: number): Promise<void> => {
  const next = createEventMaker('fill')
  await bus.ensureTopics(['usage.events'])
  let left = count
  const worker = async (): Promise<void> => {
    while (left > 0) {
      const size = Math.min(left, PER_PUBLISH)
      left -= size
      const now = Date.now()
      await bus.publish(
        'usage.events',
        Array.from({ length: size }, () => toRecord(next(now), now)),
      )
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker))
}
