import type { EventOrder } from '../events/event-order.ts'
import type { AccountState } from '../state/state.ts'
import type { ByteReader } from './byte-reader.ts'
import type { ByteWriter } from './byte-writer.ts'
import { readEventOrder, writeEventOrder } from './state-values.ts'

/** A section of the stored state in its bytes. An empty section is left out. */
export type StateSection = {
  readonly isEmpty: (state: AccountState) => boolean
  readonly write: (to: ByteWriter, state: AccountState) => void
  readonly read: (from: ByteReader, state: AccountState) => void
}

/** A list in event order. */
export const ordered = <T extends EventOrder>(
  of: (state: AccountState) => T[],
  write: (to: ByteWriter, item: T) => void,
  read: (from: ByteReader) => Omit<T, keyof EventOrder>,
): StateSection => ({
  isEmpty: (state) => of(state).length === 0,
  write: (to, state) => {
    to.uint(of(state).length)
    for (const item of of(state)) {
      writeEventOrder(to, item)
      write(to, item)
    }
  },
  read: (from, state) => {
    for (let left = from.uint(); left > 0; left -= 1) of(state).push({ ...readEventOrder(from), ...read(from) } as T)
  },
})
