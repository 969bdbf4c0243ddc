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

/** One event of each of so many accounts. */
export const fillAccounts = async (bus: Bus, accounts: number): Promise<void> => {
  await bus.ensureTopics(['usage.events'])
  for (let from = 0; from < accounts; from += PER_PUBLISH) {
    const now = Date.now()
    const records = Array.from({ length: Math.min(PER_PUBLISH, accounts - from) }, (_, i) => {
      const occurredAt = new Date(now).toISOString()
      const [accountId, userId] = [`account-${from + i}`, `user-${from + i}`]
      const common = { id: accountId, source: 'backend', type: 'Signed In', properties: {} }
      return toRecord({ ...common, accountId, userId, occurredAt }, now)
    })
    await bus.publish('usage.events', records)
  }
}
