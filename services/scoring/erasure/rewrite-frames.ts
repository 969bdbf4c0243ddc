import { packBody, unpackBody } from '#libs/bytes/zstd.ts'
import type { Sql } from '#libs/postgres/database.ts'
import type { LogPlace } from '../log/log-rows.ts'
import { lockFrames, type PackedFrame, writeFrames } from './frame-store.ts'

const FRAMES_AT_ONCE = 100
const SPACE = 0x20

/**
 * Stores the frames in which `edit` changed a place. `places` are in the order of their frames.
 * Other accounts share the frames, so nothing may move: spaces replace erased bytes.
 */
export const rewriteFrames = async (
  tx: Sql,
  places: readonly LogPlace[],
  edit: (frame: Buffer, place: LogPlace) => boolean,
): Promise<void> => {
  const byFrame = [...Map.groupBy(places, frameName).values()]
  for (let from = 0; from < byFrame.length; from += FRAMES_AT_ONCE) {
    const part = byFrame.slice(from, from + FRAMES_AT_ONCE)
    const inFrame = new Map(part.map((group) => [frameName(group[0]!), group]))
    const edited: PackedFrame[] = []
    for (const packed of await lockFrames(
      tx,
      part.map((group) => group[0]!),
    )) {
      const bytes = Buffer.from(unpackBody(packed.bytes))
      let changed = false
      for (const place of inFrame.get(frameName(packed))!) changed = edit(bytes, place) || changed
      if (changed) edited.push({ ...packed, bytes: await packBody(bytes) })
    }
    await writeFrames(tx, edited)
  }
}

const frameName = (frame: { partition: number; position: number; frame: number }): string =>
  `${frame.partition}/${frame.position}/${frame.frame}`

/** Writes shorter bytes over longer bytes; spaces fill the rest. */
export const overwrite = (frame: Buffer, at: { readonly at: number; readonly length: number }, bytes: Buffer): void => {
  if (bytes.length > at.length) throw new Error('bytes written over a place of the log must fit into it')
  frame.fill(SPACE, at.at, at.at + at.length)
  frame.set(bytes, at.at)
}

export const eraseEntry = (frame: Buffer, { eventsAt, eventsLength, changeLength }: LogPlace): boolean => {
  frame.fill(SPACE, eventsAt, eventsAt + eventsLength + changeLength)
  return true
}
