import type { Bus, BusRecord } from '#libs/bus/bus.ts'
import { UnavailableError } from '#libs/runtime/errors.ts'

export type RecordingBus = Bus & {
  /** What was acknowledged, in order. */
  readonly published: { readonly topic: string; readonly record: BusRecord }[]
  /** Values of the acknowledged records, parsed. */
  readonly values: () => Record<string, unknown>[]
  /** While true, publishing throws `UnavailableError`. */
  away: boolean
  /** While set, publishing waits for it before it acknowledges. */
  gate: Promise<void> | undefined
  /** Calls of `publish`, acknowledged or not. */
  attempts: number
}

/**
 * The writing half of the bus, kept in memory, for tests of who publishes what: it has no readers.
 */
export const createRecordingBus = (): RecordingBus => {
  const published: RecordingBus['published'] = []
  const bus: RecordingBus = {
    published,
    values: () => published.map(({ record }) => JSON.parse(record.value.toString('utf8'))),
    away: false,
    gate: undefined,
    attempts: 0,
    start: async () => {},
    stop: async () => {},
    waiting: () => [],
    check: async () => {
      if (bus.away) throw new UnavailableError('the log is away')
    },
    ensureTopics: async () => {},
    committed: async () => new Map(),
    partitionsOf: async () => 1,
    publish: async (topic, records) => {
      bus.attempts += 1
      await bus.gate
      if (bus.away) throw new UnavailableError('the log is away')
      for (const record of records) published.push({ topic, record })
    },
    forget: async () => {},
    consume: () => Promise.reject(new Error('this bus has no readers')),
  }
  return bus
}
