import type { Interactions, Invoice, NpsAnswer, Ticket } from '../state/interactions.ts'
import { type ByteReader, createByteReader } from './byte-reader.ts'
import { type ByteWriter, createByteWriter } from './byte-writer.ts'
import {
  dayOr,
  readEventOrder,
  readMap,
  readNullable,
  writeEventOrder,
  writeMap,
  writeNullable,
} from './state-values.ts'

export type AnyInteraction = Interactions[keyof Interactions]
/** By `interactionKey`. */
export type InteractionPage = Map<string, AnyInteraction>

const writer = createByteWriter()

/** One unit a byte; empty for an empty page. The same interactions have the same bytes. */
export const encodeInteractions = (page: InteractionPage): string => {
  if (page.size === 0) return ''
  writeMap(writer, page, (to, interaction, key) => CODECS[key[0] as Letter].write(to, interaction as never))
  return writer.takeLatin1()
}

export const decodeInteractions = (text: string): InteractionPage => {
  const page: InteractionPage = new Map()
  if (text !== '') {
    readMap(createByteReader(Buffer.from(text, 'latin1')), page, (from, key) => CODECS[key[0] as Letter].read(from))
  }
  return page
}

type Codec<InteractionShape> = {
  readonly write: (to: ByteWriter, interaction: InteractionShape) => void
  readonly read: (from: ByteReader) => InteractionShape
}

const ticket: Codec<Ticket> = {
  write: (to, { openedDay, openingDay, breached, status, priority }) => {
    dayOr.write(to, openedDay)
    dayOr.write(to, openingDay)
    to.uint((breached ? 1 : 0) + (status ? 2 : 0) + (priority ? 4 : 0) + (status?.open ? 8 : 0))
    if (status) writeEventOrder(to, status)
    if (!priority) return
    writeEventOrder(to, priority)
    to.text(priority.name)
  },
  read: (from) => {
    const openedDay = dayOr.read(from)
    const openingDay = dayOr.read(from)
    const bits = from.uint()
    const status = bits & 2 ? { ...readEventOrder(from), open: (bits & 8) !== 0 } : null
    const priority = bits & 4 ? { ...readEventOrder(from), name: from.text() } : null
    return { openedDay, openingDay, breached: (bits & 1) !== 0, status, priority }
  },
}

const invoice: Codec<Invoice> = {
  write: (to, { paid, failures }) => {
    writeNullable(to, paid, (order) => writeEventOrder(to, order))
    to.uint(failures.length)
    for (const failure of failures) writeEventOrder(to, failure)
  },
  read: (from) => {
    const paid = readNullable(from, () => readEventOrder(from))
    return { paid, failures: Array.from({ length: from.uint() }, () => readEventOrder(from)) }
  },
}

const answer: Codec<NpsAnswer> = {
  write: (to, given) => {
    writeEventOrder(to, given)
    to.int(given.day)
    to.double(given.score)
  },
  read: (from) => ({ ...readEventOrder(from), day: from.int(), score: from.double() }),
}

const CODECS = { t: ticket, i: invoice, a: answer }
type Letter = keyof typeof CODECS
