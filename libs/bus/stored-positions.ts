import type { Database, Sql } from '#libs/postgres/database.ts'
import { RewoundError } from '#libs/runtime/errors.ts'
import type { Positions } from './bus.ts'
import { createExpectedPositions } from './expected-positions.ts'

export type StoredPosition = { readonly partition: number; readonly next: number }

export type StoredPositions = Positions & {
  /** Does the work of these positions and stores them in one transaction. Throws `RewoundError`. */
  readonly commit: <Result>(positions: readonly StoredPosition[], work: (tx: Sql) => Promise<Result>) => Promise<Result>
}

type Deps = {
  readonly database: Database
  readonly table: string
  /** Absent: the table is of one topic. */
  readonly topic?: string
}

/**
 * Positions that a handler stores beside its work. Needs the table `(partition int primary key,
 * next_offset bigint)`, by its full name; with `topic text` in the key, if it is of several topics.
 */
export const createStoredPositions = ({ database, table, topic }: Deps): StoredPositions => {
  const [column, params] = topic === undefined ? ['', []] : ['topic, ', [topic]]
  const isOurs = (parameter: number): string => (topic === undefined ? 'true' : `topic = $${parameter}`)
  const expected = createExpectedPositions(async () => {
    const rows = await database.query<StoredPosition>(
      `select partition, next_offset as next from ${table} where ${isOurs(1)}`,
      params,
    )
    return new Map(rows.map(({ partition, next }) => [partition, next]))
  })

  const store = async (tx: Sql, positions: readonly StoredPosition[]): Promise<void> => {
    if (positions.length === 0) return
    const sorted = positions.toSorted((a, b) => a.partition - b.partition)
    const rows = await tx.query(
      `insert into ${table} as p (${column}partition, next_offset)
       select ${column && '$4, '}n.partition, n.next from unnest($1::int[], $2::bigint[], $3::bigint[]) as n (partition, next, expected)
       where n.expected is null or exists (select from ${table} o
         where ${isOurs(4)} and o.partition = n.partition and o.next_offset >= n.expected)
       on conflict (${column}partition) do update set next_offset = excluded.next_offset
       returning 1`,
      [
        sorted.map(({ partition }) => partition),
        sorted.map(({ next }) => next),
        sorted.map(({ partition }) => expected.of(partition)),
        ...params,
      ],
    )
    if (rows.length < sorted.length) throw new RewoundError('the database is behind what was written to it')
  }
  const commit: StoredPositions['commit'] = async (positions, work) => {
    const result = await database.transaction(async (tx) => {
      const done = await work(tx)
      await store(tx, positions)
      return done
    })
    for (const { partition, next } of positions) expected.reached(partition, next)
    return result
  }

  return {
    commit,
    read: expected.read,
    isBehind: expected.isBehind,
    write: (partition, next) => commit([{ partition, next }], async () => {}),
    onRewind: async () => {},
  }
}
