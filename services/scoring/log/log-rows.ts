import { unpackBody } from '#libs/bytes/zstd.ts'
import { changeIn, type FramePlace } from './log-frames.ts'

export const PLACE_COLUMNS = `l.frame, l.events_at as "eventsAt", l.events_length as "eventsLength", l.change_length as "changeLength"`

/** The place of an entry with the bytes of its frame, and the tables that have them. */
export const FRAMED_ENTRY = `${PLACE_COLUMNS}, f.bytes
     from scoring.account_log l join scoring.log_frame f using (partition, position, frame)`

export type FramedEntry = FramePlace & { readonly bytes: Buffer }

/** The change that an entry led to, as published. */
export const changeOf = (entry: FramedEntry): Buffer => {
  const change = changeIn(unpackBody(entry.bytes), entry)
  if (change === null) throw new Error('the log has no change for an entry that was asked for it')
  return change
}
