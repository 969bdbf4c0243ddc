import { type AccountState, createState } from '../state/state.ts'
import { type ByteReader, createByteReader } from './byte-reader.ts'
import { type ByteWriter, createByteWriter } from './byte-writer.ts'
import { INTERACTION_SECTIONS } from './interaction-sections.ts'
import { JOURNEY_SECTIONS } from './journey-sections.ts'
import type { StateSection } from './state-section.ts'
import { USAGE_SECTIONS } from './usage-sections.ts'

/** First byte: the layout of the rest. `FORMER_LAYOUTS` says what becomes of states of others. */
export const STATE_LAYOUT = 3

/** A section's place is its number in the bytes: a new section goes to the end of the last list. */
const RARE_SECTIONS: readonly StateSection[] = [...JOURNEY_SECTIONS, ...INTERACTION_SECTIONS]
const END_OF_LIST = 0

const writer: ByteWriter = createByteWriter()

/**
 * Canonical: states of the same set of events have the same bytes. Sections that rarely change lie
 * at the end, and are kept as bytes until a fold changes them. `tail` follows, one unit a byte.
 *
 * Written by hand instead of msgpackr with shared structures: the state of the benchmark's account
 * takes 542 bytes, not 1,173, and is encoded and decoded in 17 us, not 24 (`npm run bench -- --only
 * codec,codec-msgpackr`, 2026-11-30). msgpackr also writes maps in order of insertion.
 */
export const encodeState = (state: AccountState, tail = ''): Buffer => {
  state.memo.journeyBytes ??= encodeJourney(state)
  state.memo.interactionsBytes ??= encodeInteractions(state)
  writer.uint(STATE_LAYOUT)
  writeSections(USAGE_SECTIONS, state)
  writer.uint(END_OF_LIST)
  writer.latin1(state.memo.journeyBytes)
  writer.latin1(state.memo.interactionsBytes)
  writer.latin1(tail)
  return writer.take()
}

const encodeJourney = (state: AccountState): string => {
  writeSections(JOURNEY_SECTIONS, state)
  return writer.takeLatin1()
}

const encodeInteractions = (state: AccountState): string => {
  writeSections(INTERACTION_SECTIONS, state, JOURNEY_SECTIONS.length)
  writer.uint(END_OF_LIST)
  return writer.takeLatin1()
}

const writeSections = (parts: readonly StateSection[], state: AccountState, before = 0): void => {
  for (let index = 0; index < parts.length; index += 1) {
    const part = parts[index]!
    if (part.isEmpty(state)) continue
    writer.uint(before + index + 1)
    part.write(writer, state)
  }
}

export const decodeState = (bytes: Uint8Array): AccountState => decodeStateOf(bytes).state

/** The state and what was put behind it. */
export const decodeStateOf = (bytes: Uint8Array): { readonly state: AccountState; readonly tail: string } => {
  const reader: ByteReader = createByteReader(bytes)
  const layout = reader.uint()
  if (layout !== STATE_LAYOUT) throw new Error(`state has an unknown layout ${layout}`)
  const state = createState()
  for (let number = reader.uint(); number !== END_OF_LIST; number = reader.uint())
    readPart(USAGE_SECTIONS, number, reader, state)
  return { state, tail: readRare(reader, state) }
}

/** Answers what is behind. */
const readRare = (reader: ByteReader, state: AccountState): string => {
  const all = reader.rest()
  let interactionsAt: number | undefined
  for (;;) {
    const at = all.length - reader.left()
    const number = reader.uint()
    if (interactionsAt === undefined && (number === END_OF_LIST || number > JOURNEY_SECTIONS.length))
      interactionsAt = at
    if (number === END_OF_LIST) break
    readPart(RARE_SECTIONS, number, reader, state)
  }
  const end = all.length - reader.left()
  state.memo.journeyBytes = all.slice(0, interactionsAt)
  state.memo.interactionsBytes = all.slice(interactionsAt, end)
  return all.slice(end)
}

const readPart = (parts: readonly StateSection[], number: number, reader: ByteReader, state: AccountState): void => {
  const part = parts[number - 1]
  if (part === undefined) throw new Error(`state has an unknown part ${number}`)
  part.read(reader, state)
}
