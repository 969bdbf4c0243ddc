import { type ByteReader, type ByteWriter, createByteReader, createByteWriter } from './bytes.ts'
import { type AccountState, createState } from './state.ts'
import { PARTS } from './state-parts.ts'

/** First byte: how the rest is laid out. A state of another layout is folded again from the raw events. */
export const STATE_LAYOUT = 1

const writer: ByteWriter = createByteWriter()

/** Canonical: states of the same set of events have the same bytes. */
export const encodeState = (state: AccountState): Buffer => {
  writer.uint(STATE_LAYOUT)
  for (let index = 0; index < PARTS.length; index += 1) {
    const part = PARTS[index]!
    if (part.isEmpty(state)) continue
    writer.uint(index + 1)
    part.write(writer, state)
  }
  return writer.take()
}

export const decodeState = (bytes: Uint8Array): AccountState => {
  const reader: ByteReader = createByteReader(bytes)
  const layout = reader.uint()
  if (layout !== STATE_LAYOUT) throw new Error(`state has layout ${layout}, not ${STATE_LAYOUT}`)
  const state = createState()
  while (!reader.atEnd()) {
    const index = reader.uint()
    const part = PARTS[index - 1]
    if (part === undefined) throw new Error(`state has an unknown part ${index}`)
    part.read(reader, state)
  }
  return state
}
