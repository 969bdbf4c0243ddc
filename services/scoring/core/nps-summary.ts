import type { AccountState } from './state.ts'

/** Everybody's latest answer, summed by its day. Scores are summed in micro-points: whole numbers, so that no order changes the sum. */
export type NpsSummary = { readonly days: number[]; readonly counts: number[]; readonly sums: number[] }

export const MICRO = 1_000_000

export const npsOf = (state: AccountState): NpsSummary => {
  const known = state.memo.nps as NpsSummary | undefined
  if (known !== undefined) return known
  const summary: NpsSummary = { days: [], counts: [], sums: [] }
  for (const { day, score } of [...state.nps.values()].sort((a, b) => a.day - b.day)) {
    const last = summary.days.length - 1
    if (summary.days[last] === day) {
      summary.counts[last]! += 1
      summary.sums[last]! += Math.round(score * MICRO)
    } else {
      summary.days.push(day)
      summary.counts.push(1)
      summary.sums.push(Math.round(score * MICRO))
    }
  }
  state.memo.nps = summary
  return summary
}
