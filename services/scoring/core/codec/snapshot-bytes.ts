import type { Counters } from '../state/fold.ts'
import { decodeAccount } from './account-bytes.ts'
import { createUserPages } from './user-pages.ts'

/** An account as it was stored at a time, with all its pages, one behind the other. */
export type Snapshot = {
  readonly state: Buffer
  readonly userPageBits: number
  /** Of each page: kind (0 users, 1 interactions), number, length, bytes. Null: no page. */
  readonly pages: Buffer | null
}

const USERS = 0
const HEAD_BYTES = 9

/** Counters to go on counting with; every page is loaded. */
export const decodeSnapshot = (snapshot: Snapshot): Counters => {
  const { state, interactions } = decodeAccount(snapshot.state)
  const users = createUserPages(snapshot.userPageBits)
  for (const { kind, page, bytes } of pagesIn(snapshot.pages)) {
    if (kind === USERS) users.load(page, bytes)
    else interactions.load(page, bytes)
  }
  for (const pages of [users, interactions])
    for (let page = 0; page < 2 ** pages.bits(); page++) pages.load(page, undefined)
  return { state, users, interactions }
}

function* pagesIn(bytes: Buffer | null): Generator<{ kind: number; page: number; bytes: string }> {
  if (bytes === null) return
  for (let at = 0; at < bytes.length; ) {
    const from = at + HEAD_BYTES
    const to = from + bytes.readInt32BE(at + 5)
    yield { kind: bytes[at]!, page: bytes.readInt32BE(at + 1), bytes: bytes.toString('latin1', from, to) }
    at = to
  }
}
