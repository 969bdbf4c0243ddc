import type { Consumer } from 'kafkajs'
import { type Clock, sleep } from '#libs/runtime/clock.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import type { Positions } from '../bus.ts'
import { safeReason } from '../dead-letter.ts'
import type { KafkaTopics } from './topics.ts'

type Offsets = {
  /** By the reader's database; undefined: it has none yet. */
  readonly stored: number | undefined
  readonly low: number
  readonly end: number
  /** By the broker; -1: none. */
  readonly committed: number
}

export type Start = { readonly offset: number; readonly why: 'stored' | 'rewound' | 'beyond the end' }

/** Where to begin; undefined: where the broker says. */
export const startOf = ({ stored, low, end, committed }: Offsets): Start | undefined => {
  if (stored === undefined) return undefined
  // The topic was made anew: its offsets begin again.
  if (stored > end) return { offset: low, why: 'beyond the end' }
  // The broker learns of a position after the database. So the database was ahead once.
  if (stored < committed) return { offset: Math.max(stored, low), why: 'rewound' }
  return { offset: Math.max(stored, low), why: 'stored' }
}

export type PlacementDeps = {
  readonly consumer: Consumer
  readonly topics: KafkaTopics
  readonly clock: Clock
  readonly logger: Logger
  /** The topic's name on the broker. */
  readonly topic: string
  readonly group: string
  readonly positions: Positions
  readonly onRewind: () => void
}

const RETRY_MS = 500
const LOUD: Readonly<Record<Start['why'], string | undefined>> = {
  stored: undefined,
  rewound: 'database is behind the log: records are read again',
  'beyond the end': 'position lies beyond the end of the log: reading begins with its oldest record',
}

/**
 * Seeks assigned partitions to the positions of the reader's database. `isAssigned` says whether a
 * partition still is; `place` is told where it begins. Tries until the database answers.
 */
export const placePartitions = async (
  deps: PlacementDeps,
  partitions: readonly number[],
  isAssigned: (partition: number) => boolean,
  place: (partition: number, start: Start | undefined) => void,
): Promise<void> => {
  const { consumer, topics, clock, logger, topic, group, positions } = deps
  const waiting = new Set(partitions)
  while (waiting.size > 0) {
    for (const partition of waiting) if (!isAssigned(partition)) waiting.delete(partition)
    try {
      const [stored, offsets] = await Promise.all([positions.read([...waiting]), topics.offsetsOf(topic, group)])
      for (const partition of waiting) {
        const known = offsets.get(partition)
        if (!known) throw new Error(`the broker knows no partition ${partition} of ${topic}`)
        const start = startOf({ stored: stored.get(partition), ...known })
        const loud = start && LOUD[start.why]
        if (start && loud) {
          logger.error({ topic, group, partition, from: known.committed, to: start.offset, end: known.end }, loud)
          deps.onRewind()
          await positions.onRewind({ partition, from: known.committed, to: start.offset })
          // From now on the broker's position tells of the next rewind only.
          await consumer.commitOffsets([{ topic, partition, offset: String(start.offset) }])
        }
        // So that every later copy of the database says where it was.
        if (start === undefined) await positions.write(partition, known.committed < 0 ? known.low : known.committed)
        if (isAssigned(partition)) place(partition, start)
        waiting.delete(partition)
      }
    } catch (error) {
      logger.warn({ topic, group, reason: safeReason(error) }, 'positions could not be read yet')
      await sleep(clock, RETRY_MS)
    }
  }
}
