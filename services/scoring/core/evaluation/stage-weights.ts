import type { Stage } from '#libs/contracts/account-health.ts'
import type { GroupModel, WeightStage } from '#libs/contracts/health-model.ts'
import type { Zone } from '#libs/time/time-zone.ts'
import { spanAt } from '../journey/stage-timeline.ts'
import type { Timeline } from '../state/timeline.ts'

/** An account's stage, and how far its weights have moved from the stage before. */
export type Standing = {
  readonly stage: Stage
  readonly enteredAt: number | null
  readonly daysInStage: number
  readonly from: WeightStage
  readonly to: WeightStage
  /** Share of `to`, 0..1. */
  readonly share: number
}

export const standingAt = (timeline: Timeline, at: number, zone: Zone, blendDays: number): Standing => {
  const index = spanAt(timeline, at)
  if (index < 0)
    return { stage: 'onboarding', enteredAt: null, daysInStage: 0, from: 'onboarding', to: 'onboarding', share: 1 }
  const { at: enteredAt, stage } = timeline.spans[index]!
  const daysInStage = zone.dayOf(at) - zone.dayOf(enteredAt)
  const to = columnAt(timeline, index)
  const share = index === 0 || blendDays <= 0 ? 1 : Math.min(1, daysInStage / blendDays)
  return { stage, enteredAt, daysInStage, from: index === 0 ? to : columnAt(timeline, index - 1), to, share }
}

/** Churned counts as the stage before it, onboarding if there was none. */
const columnAt = (timeline: Timeline, index: number): WeightStage => {
  for (let place = index; place >= 0; place -= 1) {
    const { stage } = timeline.spans[place]!
    if (stage !== 'churned') return stage
  }
  return 'onboarding'
}

export const groupWeight = ({ weights }: GroupModel, { from, to, share }: Standing): number =>
  weights[from] === weights[to] || share === 1 ? weights[to] : weights[from] * (1 - share) + weights[to] * share
