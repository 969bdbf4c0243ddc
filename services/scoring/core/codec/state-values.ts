import { compareText, type EventOrder } from '../events/event-order.ts'
import type { ByteReader } from './byte-reader.ts'
import type { ByteWriter } from './byte-writer.ts'

/** Values of a state in its bytes: each `write` stands beside the `read` that undoes it. */

/** The commonest sources by number; a number is never given to another. */
const SOURCES = [
  '',
  'web',
  'app',
  'api',
  'backend',
  'server',
  'crm',
  'billing',
  'support',
  'survey',
  'segment',
  'kafka',
  'pulso',
]
const OTHER_SOURCE = 0

const writeSource = (to: ByteWriter, source: string): void => {
  const number = SOURCES.indexOf(source) + 1
  to.uint(number)
  if (number === OTHER_SOURCE) to.text(source)
}
const readSource = (from: ByteReader): string => {
  const number = from.uint()
  return number === OTHER_SOURCE ? from.text() : SOURCES[number - 1]!
}

export const writeEventOrder = (to: ByteWriter, order: EventOrder): void => {
  to.int(order.at)
  to.id(order.id)
  writeSource(to, order.source)
}
export const readEventOrder = (from: ByteReader): EventOrder => ({
  at: from.int(),
  id: from.id(),
  source: readSource(from),
})

export const writeNullable = <T>(to: ByteWriter, value: T | null, write: (value: T) => void): void => {
  to.uint(value === null ? 0 : 1)
  if (value !== null) write(value)
}
export const readNullable = <T>(from: ByteReader, read: () => T): T | null => (from.uint() === 0 ? null : read())

/** A whole number or null as one number. */
export const dayOr = {
  write: (to: ByteWriter, value: number | null): void =>
    to.uint(value === null ? 0 : value < 0 ? -2 * value : 2 * value + 1),
  read: (from: ByteReader): number | null => {
    const value = from.uint()
    return value === 0 ? null : value % 2 === 1 ? (value - 1) / 2 : -value / 2
  },
}

/** Ascending whole numbers: the first, then the steps between them. */
export const writeDays = (to: ByteWriter, days: readonly number[]): void => {
  to.uint(days.length)
  let previous = 0
  for (let index = 0; index < days.length; index += 1) {
    to.int(days[index]! - previous)
    previous = days[index]!
  }
}
export const readDays = (from: ByteReader, days: number[]): void => {
  let previous = 0
  for (let left = from.uint(); left > 0; left -= 1) {
    previous += from.int()
    days.push(previous)
  }
}

export const writeInstants = (to: ByteWriter, instants: readonly number[]): void => writeDays(to, instants)
export const readInstants = (from: ByteReader): number[] => {
  const instants: number[] = []
  readDays(from, instants)
  return instants
}

export const writeNames = (to: ByteWriter, names: readonly string[]): void => {
  to.uint(names.length)
  for (const name of names) to.text(name)
}
export const readNames = (from: ByteReader): string[] => Array.from({ length: from.uint() }, () => from.text())

/** By key, code points ascending, so that the order of insertion leaves no trace. */
export const writeMap = <T>(
  to: ByteWriter,
  map: ReadonlyMap<string, T>,
  write: (to: ByteWriter, value: T, key: string) => void,
): void => {
  to.uint(map.size)
  const keys = [...map.keys()]
  if (keys.length > 1) keys.sort(compareText)
  for (const key of keys) {
    to.text(key)
    write(to, map.get(key)!, key)
  }
}
export const readMap = <T>(from: ByteReader, map: Map<string, T>, read: (from: ByteReader, key: string) => T): void => {
  for (let left = from.uint(); left > 0; left -= 1) {
    const key = from.text()
    map.set(key, read(from, key))
  }
}
