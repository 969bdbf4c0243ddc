import { type ByteReader, createByteReader } from './byte-reader.ts'
import { type ByteWriter, createByteWriter } from './bytes.ts'
import { type AccountState, createState } from './state.ts'
import type { Part } from './state-part.ts'
import { DEALINGS_PARTS } from './state-parts-dealings.ts'
import { JOURNEY_PARTS } from './state-parts-journey.ts'
import { USAGE_PARTS } from './state-parts-usage.ts'

/** First byte: how the rest is laid out. A state of another layout is folded again from the raw events. */
export const STATE_LAYOUT = 1
/** As 1, but what rarely changes lies elsewhere: whoever reads the state puts it behind. */
export const PARTED_LAYOUT = 2

/** A part's place here is its number in the bytes: parts are only ever added at the end of a list. */
const RARE_PARTS: readonly Part[] = [...JOURNEY_PARTS, ...DEALINGS_PARTS]
const END_OF_LIST = 0

const writer: ByteWriter = createByteWriter()

/**
 * Canonical: states of the same set of events have the same bytes. What rarely changes lies at the end and is kept as bytes
 * (`memo.rareBytes`) until a fold changes it, so that an account's old tickets and invoices cost its next event nothing.
 */
export const encodeState = (state: AccountState): Buffer => {
  const rare = rareBytesOf(state)
  writer.uint(STATE_LAYOUT)
  writeParts(USAGE_PARTS, state)
  writer.latin1(rare)
  return writer.take()
}

/** What rarely changes, as latin1; the same text until a fold changes it. */
export const rareBytesOf = (state: AccountState): string => {
  state.memo.rareBytes ??= encodeRare(state)
  return state.memo.rareBytes
}

/** The state without what rarely changes. */
export const encodeParted = (state: AccountState): Buffer => {
  writer.uint(PARTED_LAYOUT)
  writeParts(USAGE_PARTS, state)
  return writer.take()
}

const encodeRare = (state: AccountState): string => {
  writeParts(RARE_PARTS, state)
  return writer.takeLatin1()
}

const writeParts = (parts: readonly Part[], state: AccountState): void => {
  for (let index = 0; index < parts.length; index += 1) {
    const part = parts[index]!
    if (part.isEmpty(state)) continue
    writer.uint(index + 1)
    part.write(writer, state)
  }
  writer.uint(END_OF_LIST)
}

export const decodeState = (bytes: Uint8Array): AccountState => {
  const reader: ByteReader = createByteReader(bytes)
  const layout = reader.uint()
  if (layout !== STATE_LAYOUT && layout !== PARTED_LAYOUT) throw new Error(`state has an unknown layout ${layout}`)
  const state = createState()
  readParts(USAGE_PARTS, reader, state)
  state.memo.rareBytes = reader.rest()
  readParts(RARE_PARTS, reader, state)
  return state
}

const readParts = (parts: readonly Part[], reader: ByteReader, state: AccountState): void => {
  for (let number = reader.uint(); number !== END_OF_LIST; number = reader.uint()) {
    const part = parts[number - 1]
    if (part === undefined) throw new Error(`state has an unknown part ${number}`)
    part.read(reader, state)
  }
}
