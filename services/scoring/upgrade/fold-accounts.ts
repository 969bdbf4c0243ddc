import type { AccountKey } from '#libs/contracts/topics.ts'
import type { Sql } from '#libs/postgres/database.ts'
import { createTimeSlices } from '#libs/runtime/time-slices.ts'
import type { StoredAccount } from '../accounts/account-store.ts'
import { storedFoldContext } from '../accounts/load-stored.ts'
import { emptyCounters, type Refolded } from '../core/account/adopt-model.ts'
import { countersBytes } from '../core/account/memory-estimate.ts'
import { type FoldContext, foldEvent } from '../core/state/fold.ts'
import { readKeptEvent } from '../log/event-store.ts'
import { eventsIn } from '../log/log-frames.ts'
import type { LiveModels } from '../models/live-models.ts'
import { countEntries, listLogRanges } from './former-state-store.ts'
import { walkFrames } from './walk-frames.ts'

export type FoldedAccount = { readonly row: StoredAccount; readonly counters: Refolded }
type Folding = FoldedAccount & { readonly context: FoldContext; entriesLeft: number }

export type FoldedPage = {
  /** Fewer than were asked for where their counters took too much memory. */
  readonly folded: readonly FoldedAccount[]
  readonly frames: number
  readonly events: number
}

/**
 * Folds accounts anew, all of them at once and frame by frame. Those of `home` have most of their
 * log in that partition; what is missing then is in others.
 */
export const foldAccounts = async (
  sql: Sql,
  liveModels: LiveModels,
  rows: readonly StoredAccount[],
  { home, maxBytes, stopping }: { readonly home: number; readonly maxBytes: number; readonly stopping: AbortSignal },
): Promise<FoldedPage> => {
  const slices = createTimeSlices()
  const entries = await countEntries(sql, rows)
  let open: Folding[] = rows.map((row, i) => ({
    row,
    counters: emptyCounters(row.userPageBits, 0),
    context: storedFoldContext(row, liveModels),
    entriesLeft: entries[i]!,
  }))
  let frames = 0
  let events = 0

  const ranges = await listLogRanges(sql)
  const inOrder = [...ranges].sort((a, b) => Number(b.partition === home) - Number(a.partition === home))
  for (const range of inOrder) {
    const walked = open.filter(({ entriesLeft }) => entriesLeft > 0)
    if (walked.length === 0) break
    const dropped = new Set<Folding>()
    const keys: AccountKey[] = walked.map(({ row }) => row)
    for await (const { frame, places } of walkFrames(sql, keys, range, slices)) {
      stopping.throwIfAborted()
      frames++
      for (const place of places) {
        const account = walked[place.nth]!
        if (dropped.has(account)) continue
        account.entriesLeft--
        for (const value of eventsIn(frame, place)) {
          foldEvent(account.counters, readKeptEvent(account.row, value), account.context)
          events++
          if (slices.isOver()) await slices.next()
        }
      }
      if (frames % FRAMES_BETWEEN_LOOKS !== 1) continue
      const kept = fitting(open, maxBytes)
      for (const account of open.slice(kept)) dropped.add(account)
      open = open.slice(0, kept)
    }
  }
  return { folded: open, frames, events }
}

/** To look at the memory of all accounts takes as long as to fold some frames. */
const FRAMES_BETWEEN_LOOKS = 16
/** An interaction takes this much more while its page is open. */
const INTERACTION_PAGE_BYTES = 200

/** How many of the first accounts fit, at least one. */
const fitting = (open: readonly Folding[], maxBytes: number): number => {
  let bytes = 0
  for (let i = 0; i < open.length; i++) {
    const { counters } = open[i]!
    bytes += countersBytes(counters) + INTERACTION_PAGE_BYTES * counters.interactions.size()
    if (bytes > maxBytes) return Math.max(1, i >> 1)
  }
  return open.length
}
