import { unpackBodyAside } from '#libs/bytes/zstd.ts'
import type { Sql } from '#libs/postgres/database.ts'
import type { TimeSlices } from '#libs/runtime/time-slices.ts'
import type { FrameKey, LogPlace } from './log-rows.ts'

/** Frames of one read. Most unpack to 256 KB, one with a long entry to the bytes of a flush. */
export const FRAMES_AT_ONCE = 8
/** Bytes wanted of one read: what lies around them in their frames is not wanted. */
const WANTED_AT_ONCE = 512 * 1024

export type ReadEntry<Place extends LogPlace> = { readonly place: Place; readonly frame: Buffer }

/** The frames of these entries, in their order. An account erased meanwhile has none any more. */
export async function* readEntries<Place extends LogPlace>(
  sql: Sql,
  places: readonly Place[],
  slices: TimeSlices,
): AsyncGenerator<ReadEntry<Place>> {
  for (let from = 0; from < places.length; ) {
    const to = endOfRead(places, from)
    const packed = await loadFrames(sql, places.slice(from, to))
    let open: { readonly name: string; readonly frame: Buffer } | undefined
    for (; from < to; from++) {
      const place = places[from]!
      const name = frameName(place)
      if (open?.name !== name) {
        const bytes = packed.get(name)
        if (bytes === undefined) continue
        open = { name, frame: await unpackBodyAside(bytes) }
      }
      if (slices.isOver()) await slices.next()
      yield { place, frame: open.frame }
    }
  }
}

const endOfRead = (places: readonly LogPlace[], from: number): number => {
  const names = new Set<string>()
  let wanted = 0
  let to = from
  while (to < places.length && wanted < WANTED_AT_ONCE) {
    const place = places[to]!
    names.add(frameName(place))
    if (names.size > FRAMES_AT_ONCE) break
    wanted += place.eventsLength + place.changeLength
    to++
  }
  return to
}

export const frameName = ({ partition, position, frame }: FrameKey): string => `${partition}/${position}/${frame}`

/** Packed, by name. */
export const loadFrames = async (sql: Sql, places: readonly LogPlace[]): Promise<ReadonlyMap<string, Buffer>> => {
  const keys = [...new Map(places.map((place) => [frameName(place), place])).values()]
  const rows = await sql.query<FrameKey & { readonly bytes: Buffer }>(
    `select partition, position, frame, f.bytes
     from unnest($1::int[], $2::bigint[], $3::int[]) as k (partition, position, frame)
     join scoring.log_frame f using (partition, position, frame)`,
    [keys.map(({ partition }) => partition), keys.map(({ position }) => position), keys.map(({ frame }) => frame)],
  )
  return new Map(rows.map((row) => [frameName(row), row.bytes]))
}
