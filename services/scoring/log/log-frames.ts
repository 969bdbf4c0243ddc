import { createGrowingBytes, type GrowingBytes } from '#libs/bytes/growing-bytes.ts'
import { packBody } from '#libs/bytes/zstd.ts'
import { type RawEvent, rawText } from '../core/events/parse-event.ts'
import { FRAME_BYTES, MAX_COMPRESSING, MAX_SPARE_FRAMES } from '../limits.ts'

const FIRST_BYTES = 16 * 1024
const KEPT_BYTES = 4 * 1024 * 1024
/** Ends an event: no JSON text holds it. */
const RECORD_SEPARATOR = 0x1e

/** Where an entry lies, whole in one frame: its events, each ended by 0x1e, then the change. */
export type FramePlace = {
  readonly frame: number
  readonly eventsAt: number
  readonly eventsLength: number
  readonly changeLength: number
}

/** Packs entries of many accounts together: to pack each alone would cost more than to score it. */
export type FrameWriter = {
  readonly add: (events: readonly { readonly raw: RawEvent }[], change: Buffer | null) => FramePlace
  readonly room: () => Promise<unknown> | null
  /** The packed frames, by number; then it begins anew. Nothing is added meanwhile. */
  readonly take: () => Promise<readonly Buffer[]>
}

const spare: GrowingBytes[] = []
const takeSpare = (): GrowingBytes => spare.pop() ?? createGrowingBytes(FIRST_BYTES, KEPT_BYTES)
const giveBack = (bytes: GrowingBytes): void => {
  bytes.clear()
  if (spare.length < MAX_SPARE_FRAMES) spare.push(bytes)
}

export const createFrameWriter = (): FrameWriter => {
  let packed: Promise<Buffer>[] = []
  let packing = 0
  let open = takeSpare()
  const close = (): void => {
    const full = open
    packing++
    const done = (): void => {
      packing--
      giveBack(full)
    }
    packed.push(packBody(full.written()).finally(done))
    open = takeSpare()
  }
  return {
    add: (events, change) => {
      const eventsAt = open.length
      for (const { raw } of events) {
        put(open, raw)
        open.ensure(1)[open.length++] = RECORD_SEPARATOR
      }
      const eventsLength = open.length - eventsAt
      const changeLength = change?.length ?? 0
      if (change !== null) open.ensure(changeLength).set(change, open.length)
      open.length += changeLength
      const place = { frame: packed.length, eventsAt, eventsLength, changeLength }
      if (open.length >= FRAME_BYTES) close()
      return place
    },
    room: () => (packing < MAX_COMPRESSING ? null : packed.at(-MAX_COMPRESSING)!),
    take: async () => {
      if (open.length > 0) close()
      const frames = packed
      packed = []
      return Promise.all(frames)
    },
  }
}

const put = (into: GrowingBytes, raw: RawEvent): void => {
  if (typeof raw !== 'string') {
    const { value } = raw
    into.ensure(value.length).set(value, into.length)
    into.length += value.length
    return
  }
  // No text has more than three bytes a UTF-16 unit.
  const buffer = into.ensure(3 * raw.length)
  into.length += buffer.write(raw, into.length)
}

export const joinEvents = (events: readonly { readonly raw: RawEvent }[]): Buffer =>
  Buffer.from(events.map(({ raw }) => `${rawText(raw)}${String.fromCharCode(RECORD_SEPARATOR)}`).join(''))

export const eventsIn = (frame: Buffer, place: FramePlace): readonly Buffer[] => {
  const kept = frame.subarray(place.eventsAt, place.eventsAt + place.eventsLength)
  const events: Buffer[] = []
  let from = 0
  for (let end = kept.indexOf(RECORD_SEPARATOR); end !== -1; end = kept.indexOf(RECORD_SEPARATOR, from)) {
    events.push(kept.subarray(from, end))
    from = end + 1
  }
  return events
}

/** Null where the entry led to no change. */
export const changeIn = (frame: Buffer, { eventsAt, eventsLength, changeLength }: FramePlace): Buffer | null =>
  changeLength === 0 ? null : frame.subarray(eventsAt + eventsLength, eventsAt + eventsLength + changeLength)
