import { unpackBody } from '#libs/runtime/zstd.ts'
import { changeIn, type FramePlace } from './log-frames.ts'

/** A row of the log as read, with the frame its bytes lie in. */
export type FramedRow = {
  readonly frame: number
  readonly events_at: number
  readonly events_length: number
  readonly change_length: number
  readonly bytes: Buffer
}

export const placeOf = (row: Omit<FramedRow, 'bytes'>): FramePlace => ({
  frame: row.frame,
  eventsAt: row.events_at,
  eventsLength: row.events_length,
  changeLength: row.change_length,
})

/** The change a row led to, as published. */
export const changeOf = (row: FramedRow): Buffer => {
  const change = changeIn(unpackBody(row.bytes), placeOf(row))
  if (change === null) throw new Error('a row of the log without a change was asked for it')
  return change
}
