import type { Bus } from '../bus.ts'
import { partitionOf } from '../murmur2.ts'
import { editChunk } from './chunk.ts'
import type { LogStore } from './log-store.ts'

/** Removes or edits a key's records in its partition of each topic, dead letters included. */
export const createForget =
  (log: LogStore): Bus['forget'] =>
  async (key, edit = () => null) => {
    const bytes = Buffer.from(key)
    for (const { id: topicId, partitions } of await log.listTopics()) {
      const place = { topicId, partition: partitionOf(bytes, partitions) }
      let offset: number | null = -1
      while (offset !== null) offset = await log.rewrite(place, offset, (chunk) => editChunk(chunk, bytes, edit))
    }
  }
