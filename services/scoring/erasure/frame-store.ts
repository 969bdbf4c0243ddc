import type { AccountKey } from '#libs/contracts/topics.ts'
import { createBlob } from '#libs/postgres/blob.ts'
import type { Sql } from '#libs/postgres/database.ts'
import { type FrameKey, LOG_PLACE, type LogPlace } from '../log/log-rows.ts'

export type PackedFrame = FrameKey & { readonly bytes: Buffer }

/** Every entry of an account, in the order of the frames. */
export const listPlaces = (sql: Sql, key: AccountKey): Promise<readonly LogPlace[]> =>
  sql.query<LogPlace>(
    `select ${LOG_PLACE} from scoring.account_log l
     where tenant_id = $1 and account_id = $2 order by partition, position, frame, version`,
    [key.tenantId, key.accountId],
  )

const keysOf = (frames: readonly FrameKey[]): number[][] => [
  frames.map(({ partition }) => partition),
  frames.map(({ position }) => position),
  frames.map(({ frame }) => frame),
]
const KEYS = 'unnest($1::int[], $2::bigint[], $3::int[]) as k (partition, position, frame)'

/** Locks frames, in one order: accounts share them, and no erasure may undo another. */
export const lockFrames = (tx: Sql, frames: readonly FrameKey[]): Promise<readonly PackedFrame[]> =>
  tx.query<PackedFrame>(
    `select partition, position, frame, f.bytes from ${KEYS} join scoring.log_frame f using (partition, position, frame)
     order by partition, position, frame for update of f`,
    keysOf(frames),
  )

export const writeFrames = async (tx: Sql, frames: readonly PackedFrame[]): Promise<void> => {
  if (frames.length === 0) return
  const blob = createBlob()
  const offsets = frames.map(({ bytes }) => blob.append(bytes))
  await tx.query(
    `update scoring.log_frame f set bytes = substring($6::bytea from k.bytes_at + 1 for k.bytes_length)
     from unnest($1::int[], $2::bigint[], $3::int[], $4::int[], $5::int[]) as k (partition, position, frame, bytes_at, bytes_length)
     where f.partition = k.partition and f.position = k.position and f.frame = k.frame`,
    [...keysOf(frames), offsets, frames.map(({ bytes }) => bytes.length), blob.bytes()],
  )
}

/** Deletes the frames that no row of the log needs any more. */
export const deleteUnusedFrames = async (tx: Sql, frames: readonly FrameKey[]): Promise<void> => {
  await tx.query(
    `delete from scoring.log_frame f using ${KEYS}
     where f.partition = k.partition and f.position = k.position and f.frame = k.frame and not exists (
       select from scoring.account_log l where l.partition = f.partition and l.position = f.position and l.frame = f.frame)`,
    keysOf(frames),
  )
}

/** Marks rows without events. In other rows `last_occurred_at` may be too late, never too early. */
export const markWithoutEvents = async (tx: Sql, key: AccountKey, versions: readonly number[]): Promise<void> => {
  await tx.query(
    `update scoring.account_log set last_occurred_at = null
     where tenant_id = $1 and account_id = $2 and version = any($3::bigint[])`,
    [key.tenantId, key.accountId, versions],
  )
}
