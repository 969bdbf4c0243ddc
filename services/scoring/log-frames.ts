import { promisify } from 'node:util'
import { constants, zstdCompress, zstdCompressSync, zstdDecompressSync } from 'node:zlib'

const RAW = 0
const ZSTD = 1
const OPTIONS = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }
/** Making ready to pack costs as much as packing this; unpacking it for the sake of one account takes a fraction of a millisecond. */
const FRAME_BYTES = 256 * 1024
const FIRST_BYTES = 16 * 1024
const LONG_WORK_BYTES = 64 * 1024
/** Ends an event: no JSON text holds it. */
const RECORD_SEPARATOR = 0x1e

/** Where the bytes of one account's entry lie: its events, each ended by 0x1e, then the change they led to. */
export type FramePlace = {
  readonly frame: number
  readonly eventsAt: number
  readonly eventsLength: number
  readonly changeLength: number
}

/**
 * What a flush keeps for later reading, many accounts in one frame, since compressing each by itself would cost more than scoring it.
 * An entry lies in one frame whole. The frame whose entries are erased is written again by `packFrame`.
 */
export type FrameWriter = {
  readonly add: (events: readonly { readonly raw: string }[], change: Buffer | null) => FramePlace
  /** The packed frames, by number. Called once. */
  readonly take: () => Promise<readonly Buffer[]>
}

export const createFrameWriter = (): FrameWriter => {
  const packed: Promise<Buffer>[] = []
  let open = Buffer.allocUnsafeSlow(FIRST_BYTES)
  let length = 0
  const close = (): void => {
    packed.push(packBeside(open.subarray(0, length)))
    open = Buffer.allocUnsafeSlow(FIRST_BYTES)
    length = 0
  }
  const ensure = (bytes: number): void => {
    if (length + bytes <= open.length) return
    const larger = Buffer.allocUnsafeSlow(2 * (length + bytes))
    open.copy(larger, 0, 0, length)
    open = larger
  }
  /** Room for any text of so many UTF-16 units. */
  const write = (text: string): void => {
    ensure(3 * text.length)
    length += open.write(text, length)
  }
  return {
    add: (events, change) => {
      const eventsAt = length
      for (const { raw } of events) {
        write(raw)
        ensure(1)
        open[length++] = RECORD_SEPARATOR
      }
      const eventsLength = length - eventsAt
      const changeLength = change?.length ?? 0
      ensure(changeLength)
      if (change !== null) open.set(change, length)
      length += changeLength
      const place = { frame: packed.length, eventsAt, eventsLength, changeLength }
      if (length >= FRAME_BYTES) close()
      return place
    },
    take: () => {
      if (length > 0) close()
      return Promise.all(packed)
    },
  }
}

const compress = promisify(zstdCompress)

/** A large frame is packed in another thread, while this one goes on scoring. */
const packBeside = async (bytes: Buffer): Promise<Buffer> =>
  bytes.length < LONG_WORK_BYTES ? packFrame(bytes) : Buffer.concat([Buffer.of(ZSTD), await compress(bytes, OPTIONS)])

/** A codec byte, then the bytes. */
export const packFrame = (bytes: Buffer): Buffer => Buffer.concat([Buffer.of(ZSTD), zstdCompressSync(bytes, OPTIONS)])

export const unpackFrame = (packed: Buffer): Buffer => {
  const content = packed.subarray(1)
  if (packed[0] === RAW) return content
  if (packed[0] !== ZSTD) throw new Error(`a frame of the log has an unknown codec ${packed[0]}`)
  return zstdDecompressSync(content)
}

/** Events as they lie in a frame. */
export const joinEvents = (events: readonly { readonly raw: string }[]): Buffer =>
  Buffer.from(events.map(({ raw }) => `${raw}${String.fromCharCode(RECORD_SEPARATOR)}`).join(''))

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
