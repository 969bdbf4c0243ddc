import { type ByteReader, createByteReader } from './byte-reader.ts'
import { type ByteWriter, createByteWriter } from './bytes.ts'
import { type AccountState, createState } from './state.ts'
import type { Part } from './state-part.ts'
import { DEALINGS_PARTS } from './state-parts-dealings.ts'
import { JOURNEY_PARTS } from './state-parts-journey.ts'
import { USAGE_PARTS } from './state-parts-usage.ts'

/** First byte: how the rest is laid out. A state of another layout is folded again from the raw events. */
export const STATE_LAYOUT = 1
/** As 1, but the dealings lie elsewhere: whoever reads the state puts them behind. */
export const PARTED_LAYOUT = 2

/** A part's place here is its number in the bytes: parts are only ever added at the end of the last list. */
const RARE_PARTS: readonly Part[] = [...JOURNEY_PARTS, ...DEALINGS_PARTS]
const END_OF_LIST = 0

const writer: ByteWriter = createByteWriter()

/**
 * Canonical: states of the same set of events have the same bytes. What rarely changes lies at the end and is kept as bytes
 * until a fold changes it, so that an account's old tickets and invoices cost its next event nothing.
 */
export const encodeState = (state: AccountState): Buffer => {
  const dealings = dealingsBytesOf(state)
  writeHead(STATE_LAYOUT, state)
  writer.latin1(dealings)
  return writer.take()
}

/** The state without its dealings. */
export const encodeParted = (state: AccountState): Buffer => {
  writeHead(PARTED_LAYOUT, state)
  return writer.take()
}

const writeHead = (layout: number, state: AccountState): void => {
  state.memo.journeyBytes ??= encodeJourney(state)
  writer.uint(layout)
  writeParts(USAGE_PARTS, state)
  writer.uint(END_OF_LIST)
  writer.latin1(state.memo.journeyBytes)
}

const encodeJourney = (state: AccountState): string => {
  writeParts(JOURNEY_PARTS, state)
  return writer.takeLatin1()
}

/** What passes between the account and its supplier, as latin1; the same text until a fold changes it. */
export const dealingsBytesOf = (state: AccountState): string => {
  state.memo.dealingsBytes ??= encodeDealings(state)
  return state.memo.dealingsBytes
}

const encodeDealings = (state: AccountState): string => {
  writeParts(DEALINGS_PARTS, state, JOURNEY_PARTS.length)
  writer.uint(END_OF_LIST)
  return writer.takeLatin1()
}

const writeParts = (parts: readonly Part[], state: AccountState, before = 0): void => {
  for (let index = 0; index < parts.length; index += 1) {
    const part = parts[index]!
    if (part.isEmpty(state)) continue
    writer.uint(before + index + 1)
    part.write(writer, state)
  }
}

export const decodeState = (bytes: Uint8Array): AccountState => {
  const reader: ByteReader = createByteReader(bytes)
  const layout = reader.uint()
  if (layout !== STATE_LAYOUT && layout !== PARTED_LAYOUT) throw new Error(`state has an unknown layout ${layout}`)
  const state = createState()
  for (let number = reader.uint(); number !== END_OF_LIST; number = reader.uint())
    readPart(USAGE_PARTS, number, reader, state)
  readRare(reader, state)
  return state
}

const readRare = (reader: ByteReader, state: AccountState): void => {
  const all = reader.rest()
  let dealingsAt: number | undefined
  for (;;) {
    const at = all.length - reader.left()
    const number = reader.uint()
    if (dealingsAt === undefined && (number === END_OF_LIST || number > JOURNEY_PARTS.length)) dealingsAt = at
    if (number === END_OF_LIST) break
    readPart(RARE_PARTS, number, reader, state)
  }
  state.memo.journeyBytes = all.slice(0, dealingsAt)
  state.memo.dealingsBytes = all.slice(dealingsAt)
}

const readPart = (parts: readonly Part[], number: number, reader: ByteReader, state: AccountState): void => {
  const part = parts[number - 1]
  if (part === undefined) throw new Error(`state has an unknown part ${number}`)
  part.read(reader, state)
}
