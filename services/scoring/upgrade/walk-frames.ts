import { unpackBodyAside } from '#libs/bytes/zstd.ts'
import type { AccountKey } from '#libs/contracts/topics.ts'
import type { Sql } from '#libs/postgres/database.ts'
import type { TimeSlices } from '#libs/runtime/time-slices.ts'
import { FRAMES_AT_ONCE, frameName, loadFrames } from '../log/read-entries.ts'
import { type AccountPlace, type LogRange, listPlacesBetween } from './former-state-store.ts'

/** A read of the log aims at this many entries; positions with fewer are read many at once. */
const ENTRIES_AT_ONCE = 5_000
const FIRST_POSITIONS = 64

export type FrameEntries = { readonly frame: Buffer; readonly places: readonly AccountPlace[] }

/** Each frame of a partition in which these accounts have events, unpacked once. */
export async function* walkFrames(
  sql: Sql,
  keys: readonly AccountKey[],
  { partition, last: end }: LogRange,
  slices: TimeSlices,
): AsyncGenerator<FrameEntries> {
  let positions = FIRST_POSITIONS
  for (let after = -1; after < end; ) {
    const last = Math.min(end, after + positions)
    const places = await listPlacesBetween(sql, keys, { partition, after, last })
    yield* openFrames(sql, places, slices)
    positions = places.length > ENTRIES_AT_ONCE ? Math.max(1, positions >> 1) : positions * 2
    after = last
  }
}

async function* openFrames(
  sql: Sql,
  places: readonly AccountPlace[],
  slices: TimeSlices,
): AsyncGenerator<FrameEntries> {
  const groups = [...Map.groupBy(places, frameName)]
  for (let from = 0; from < groups.length; from += FRAMES_AT_ONCE) {
    const part = groups.slice(from, from + FRAMES_AT_ONCE)
    const packed = await loadFrames(
      sql,
      part.map(([, [first]]) => first!),
    )
    for (const [name, entries] of part) {
      const bytes = packed.get(name)
      // An erasure has taken the accounts of this frame meanwhile.
      if (bytes === undefined) continue
      yield { frame: await unpackBodyAside(bytes), places: entries }
      if (slices.isOver()) await slices.next()
    }
  }
}
