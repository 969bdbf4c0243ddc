import type { Band } from '#libs/contracts/account-health.ts'
import { round4 } from '../largest-remainder.ts'

export type Scored = { readonly score: number | null; readonly band: Band }
export type BandChange = {
  readonly accountId: string
  readonly name: string | null
  readonly before: Scored
  readonly after: Scored
}

export type PreviewTally = {
  readonly add: (change: BandChange) => void
  readonly result: () => {
    readonly bandChanges: number
    readonly bands: readonly { readonly from: Band; readonly to: Band; readonly accounts: number }[]
    /** Mean change over the accounts with a score before and after; null without any. */
    readonly meanMove: number | null
    /** Accounts that change band, the largest moves first, ties by id. */
    readonly items: readonly BandChange[]
  }
}

export const createPreviewTally = (maxItems: number): PreviewTally => {
  const pairs = new Map<string, { from: Band; to: Band; accounts: number }>()
  let items: BandChange[] = []
  let bandChanges = 0
  let moved = 0
  let sum = 0
  const size = ({ before, after }: BandChange): number => Math.abs((after.score ?? 0) - (before.score ?? 0))
  const largest = (): BandChange[] =>
    items.sort((a, b) => size(b) - size(a) || (a.accountId < b.accountId ? -1 : 1)).slice(0, maxItems)
  return {
    add: (change) => {
      const { before, after } = change
      if (before.score !== null && after.score !== null) {
        moved++
        sum += after.score - before.score
      }
      if (before.band === after.band) return
      bandChanges++
      const pair = pairs.get(`${before.band}:${after.band}`) ?? { from: before.band, to: after.band, accounts: 0 }
      pair.accounts++
      pairs.set(`${before.band}:${after.band}`, pair)
      items.push(change)
      if (items.length >= 2 * maxItems) items = largest()
    },
    result: () => ({
      bandChanges,
      bands: [...pairs.values()].sort((a, b) => b.accounts - a.accounts),
      meanMove: moved === 0 ? null : round4(sum / moved),
      items: largest(),
    }),
  }
}
