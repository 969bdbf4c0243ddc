import type { AccountReplay } from './replay-rule.ts'

export type ReplayedAccount = {
  readonly accountId: string
  readonly fired: number
  readonly told: number
  /** Sum over its alerts. */
  readonly openMs: number
  readonly openNow: boolean
  readonly lastFiredAt: number
}

export type ReplaySum = {
  readonly fired: number
  readonly told: number
  readonly openNow: number
  readonly alreadyOpen: number
  readonly accountsFired: number
  readonly accountsFiredMoreThanThreeTimes: number
  /** Per alert, an open one up to now; null when none fired. */
  readonly openMs: { readonly median: number; readonly p90: number; readonly longest: number } | null
  readonly mostFired: readonly ReplayedAccount[]
}

export const sumReplays = (replays: readonly AccountReplay[], until: number, limit: number): ReplaySum => {
  const accounts = replays.filter(({ alerts }) => alerts.length > 0).map((replay) => sumAccount(replay, until))
  const spans = replays
    .flatMap(({ alerts }) => alerts.map(({ firedAt, endedAt }) => (endedAt ?? until) - firedAt))
    .sort((a, b) => a - b)
  return {
    fired: spans.length,
    told: accounts.reduce((sum, { told }) => sum + told, 0),
    openNow: accounts.filter(({ openNow }) => openNow).length,
    alreadyOpen: replays.filter(({ alreadyOpen }) => alreadyOpen).length,
    accountsFired: accounts.length,
    accountsFiredMoreThanThreeTimes: accounts.filter(({ fired }) => fired > 3).length,
    openMs: spans.length === 0 ? null : { median: share(spans, 0.5), p90: share(spans, 0.9), longest: spans.at(-1)! },
    mostFired: accounts.sort(byFired).slice(0, limit),
  }
}

const sumAccount = ({ accountId, alerts }: AccountReplay, until: number): ReplayedAccount => ({
  accountId,
  fired: alerts.length,
  told: alerts.filter(({ told }) => told).length,
  openMs: alerts.reduce((sum, { firedAt, endedAt }) => sum + (endedAt ?? until) - firedAt, 0),
  openNow: alerts.at(-1)!.endedAt === null,
  lastFiredAt: alerts.at(-1)!.firedAt,
})

const byFired = (a: ReplayedAccount, b: ReplayedAccount): number =>
  b.fired - a.fired || (a.accountId < b.accountId ? -1 : 1)

/** Nearest rank. */
const share = (sorted: readonly number[], part: number): number =>
  sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)]!
