import type { Dealings, Invoice, NpsAnswer, Ticket } from '../state/interactions.ts'
import { type ByteReader, createByteReader } from './byte-reader.ts'
import { type ByteWriter, createByteWriter } from './byte-writer.ts'
import { dayOr, readMap, readNullable, readStamp, writeMap, writeNullable, writeStamp } from './state-values.ts'

export type AnyDealing = Dealings[keyof Dealings]
/** By `dealingKey`. */
export type DealingPage = Map<string, AnyDealing>

const writer = createByteWriter()

/** One unit a byte; '' for a page without a dealing. The same dealings have the same bytes, whatever came first. */
export const encodeDealings = (page: DealingPage): string => {
  if (page.size === 0) return ''
  writeMap(writer, page, (to, dealing, key) => CODECS[key[0] as Letter].write(to, dealing as never))
  return writer.takeLatin1()
}

export const decodeDealings = (text: string): DealingPage => {
  const page: DealingPage = new Map()
  if (text !== '') {
    readMap(createByteReader(Buffer.from(text, 'latin1')), page, (from, key) => CODECS[key[0] as Letter].read(from))
  }
  return page
}

type Codec<Dealing> = {
  readonly write: (to: ByteWriter, dealing: Dealing) => void
  readonly read: (from: ByteReader) => Dealing
}

const ticket: Codec<Ticket> = {
  write: (to, { openedDay, openingDay, breached, status, priority }) => {
    dayOr.write(to, openedDay)
    dayOr.write(to, openingDay)
    to.uint((breached ? 1 : 0) + (status ? 2 : 0) + (priority ? 4 : 0) + (status?.open ? 8 : 0))
    if (status) writeStamp(to, status)
    if (!priority) return
    writeStamp(to, priority)
    to.text(priority.name)
  },
  read: (from) => {
    const openedDay = dayOr.read(from)
    const openingDay = dayOr.read(from)
    const bits = from.uint()
    const status = bits & 2 ? { ...readStamp(from), open: (bits & 8) !== 0 } : null
    const priority = bits & 4 ? { ...readStamp(from), name: from.text() } : null
    return { openedDay, openingDay, breached: (bits & 1) !== 0, status, priority }
  },
}

const invoice: Codec<Invoice> = {
  write: (to, { paid, failures }) => {
    writeNullable(to, paid, (stamp) => writeStamp(to, stamp))
    to.uint(failures.length)
    for (const failure of failures) writeStamp(to, failure)
  },
  read: (from) => {
    const paid = readNullable(from, () => readStamp(from))
    return { paid, failures: Array.from({ length: from.uint() }, () => readStamp(from)) }
  },
}

const answer: Codec<NpsAnswer> = {
  write: (to, given) => {
    writeStamp(to, given)
    to.int(given.day)
    to.double(given.score)
  },
  read: (from) => ({ ...readStamp(from), day: from.int(), score: from.double() }),
}

const CODECS = { t: ticket, i: invoice, a: answer }
type Letter = keyof typeof CODECS
