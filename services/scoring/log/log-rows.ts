import type { FramePlace } from './log-frames.ts'

export const PLACE_COLUMNS = `l.frame, l.events_at as "eventsAt", l.events_length as "eventsLength", l.change_length as "changeLength"`

/** Which frame has an entry, and where: the frame is read apart, by `readEntries`. */
export const LOG_PLACE = `l.partition, l.position, l.version, ${PLACE_COLUMNS}`

export type FrameKey = { readonly partition: number; readonly position: number; readonly frame: number }
export type LogPlace = FrameKey & FramePlace & { readonly version: number }
