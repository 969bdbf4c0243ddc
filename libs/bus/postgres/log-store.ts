import type { Database } from '#libs/postgres/database.ts'
import type { EncodedChunk, StoredChunk } from './chunk.ts'

export type StoredTopic = { readonly id: number; readonly name: string; readonly partitions: number }
export type Place = { readonly topicId: number; readonly partition: number }

/** Chunks of one read: there are many tiny ones when publishers send records one by one. */
const CHUNKS_PER_READ = 500
const CHUNKS_PER_DELETE = 200
const CHUNKS_PER_REWRITE = 50

export const createLogStore = (database: Database) => ({
  findTopic: async (name: string): Promise<StoredTopic | undefined> =>
    (await database.query<StoredTopic>('select id, name, partitions from bus.topics where name = $1', [name]))[0],

  /** Creates the topic and its partitions unless it is there. */
  createTopic: (name: string, partitions: number) =>
    database.query(
      `with made as (insert into bus.topics (name, partitions) values ($1, $2) on conflict do nothing returning id)
       insert into bus.partitions (topic_id, partition) select id, number from made, generate_series(0, $2 - 1) as number`,
      [name, partitions],
    ),

  /** Durable when it resolves. `chunks` are in the order of their partitions. */
  append: (topic: string, partitions: readonly number[], chunks: readonly EncodedChunk[]) =>
    database.query('select bus.append($1, $2, $3, $4, $5, $6)', [
      topic,
      partitions,
      chunks.map((chunk) => chunk.count),
      chunks.map((chunk) => chunk.rawBytes),
      chunks.map((chunk) => chunk.body.length),
      Buffer.concat(chunks.map((chunk) => chunk.body)),
    ]),

  /** Chunks from `offset` on, about `maxBytes` but at least one; none without the lease. */
  read: (
    place: Place & { group: string; member: string; epoch: number },
    offset: number,
    maxBytes: number,
  ): Promise<readonly StoredChunk[]> =>
    database.query<StoredChunk>(
      `select last_offset, record_count, raw_bytes, body from (
         select last_offset, record_count, raw_bytes, body,
           sum(raw_bytes) over (order by last_offset) - raw_bytes as bytes_before
         from bus.chunks where topic_id = $1 and partition = $2 and last_offset >= $3
         order by last_offset limit $4) as next
       where bytes_before < $5 and exists (
         select from bus.readers where consumer_group = $6 and topic_id = $1 and partition = $2 and member = $7 and epoch = $8)
       order by last_offset`,
      [place.topicId, place.partition, offset, CHUNKS_PER_READ, maxBytes, place.group, place.member, place.epoch],
    ),

  /** The offset that the next record of each partition gets. */
  ends: async (topicId: number): Promise<ReadonlyMap<number, number>> => {
    const rows = await database.query<{ partition: number; next_offset: number }>(
      'select partition, next_offset from bus.partitions where topic_id = $1',
      [topicId],
    )
    return new Map(rows.map((row) => [row.partition, row.next_offset]))
  },

  listTopics: () => database.query<StoredTopic>('select id, name, partitions from bus.topics order by id'),

  /** Edits chunks after `offset` under row locks. Answers the last offset seen, null at the end. */
  rewrite: (
    { topicId, partition }: Place,
    offset: number,
    edit: (chunk: StoredChunk) => Promise<Omit<EncodedChunk, 'count'> | undefined>,
  ): Promise<number | null> =>
    database.transaction(async (tx) => {
      const chunks = await tx.query<StoredChunk>(
        `select last_offset, record_count, raw_bytes, body from bus.chunks
         where topic_id = $1 and partition = $2 and last_offset > $3 order by last_offset limit $4 for update`,
        [topicId, partition, offset, CHUNKS_PER_REWRITE],
      )
      for (const chunk of chunks) {
        const edited = await edit(chunk)
        if (edited === undefined) continue
        await tx.query(
          `update bus.chunks set body = $4, raw_bytes = $5 where topic_id = $1 and partition = $2 and last_offset = $3`,
          [topicId, partition, chunk.last_offset, edited.body, edited.rawBytes],
        )
      }
      return chunks.at(-1)?.last_offset ?? null
    }),

  listPartitions: () =>
    database.query<{ topic_id: number; partition: number; name: string }>(
      `select topic_id, partition, name from bus.partitions join bus.topics on id = topic_id order by topic_id, partition`,
    ),

  /** Deletes old chunks that every group has passed. True when there may be more. */
  deleteOld: async ({ topicId, partition }: Place, retentionMs: number): Promise<boolean> => {
    const deleted = await database.query(
      `with oldest as (
         select last_offset, created_at from bus.chunks
         where topic_id = $1 and partition = $2 order by last_offset limit $3)
       delete from bus.chunks c using oldest
       where c.topic_id = $1 and c.partition = $2 and c.last_offset = oldest.last_offset
         and oldest.created_at < now() - $4 * interval '1 millisecond'
         and not exists (select from bus.readers r
           where r.topic_id = $1 and r.partition = $2 and r.position <= oldest.last_offset)
       returning c.last_offset`,
      [topicId, partition, CHUNKS_PER_DELETE, retentionMs],
    )
    return deleted.length === CHUNKS_PER_DELETE
  },
})
export type LogStore = ReturnType<typeof createLogStore>
