import type { AccountHealth } from '#libs/contracts/account-health.ts'

export type ChangeType = 'health.changed' | 'band.changed' | 'stage.changed' | 'onboarding.step_completed'

/** Smallest move of the score that is a change by itself. */
const MIN_MOVE = 1

/** Notification types of a change. First values are changes too; a backfill has no types. */
export const changeTypes = ({ backfill, health, stepsCompleted }: AccountHealth): readonly ChangeType[] => {
  if (backfill) return []
  const { score, previousScore, band, previousBand, stage, previousStage } = health
  // Compares whole units of 4 decimals: a subtraction may leave 0.9999999 for 1.
  const moved =
    score === null || previousScore === null
      ? score !== previousScore
      : Math.round(Math.abs(score - previousScore) * 1e4) >= MIN_MOVE * 1e4
  const bandMoved = band !== previousBand
  const stageMoved = stage !== previousStage
  return [
    ...(moved || bandMoved || stageMoved ? (['health.changed'] as const) : []),
    ...(bandMoved ? (['band.changed'] as const) : []),
    ...(stageMoved ? (['stage.changed'] as const) : []),
    ...(stepsCompleted.length > 0 ? (['onboarding.step_completed'] as const) : []),
  ]
}
