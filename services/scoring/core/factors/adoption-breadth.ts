import type { AccountView } from '../journey/account-view.ts'
import { type FactorDefinition, found, isConnected, noData, windowStart } from './factor-input.ts'
import { pointsAt } from './score-factor.ts'

/**
 * Core features used in the window / core features entitled: the account's `entitledFeatures`, else the model's core features, else
 * those it ever used. Used ones count only if entitled. No data when none are entitled, and before any activity.
 */
export const breadth: FactorDefinition = {
  name: 'adoption.breadth',
  group: 'adoption',
  needs: ['windowDays', 'curve'],
  measure: (view, { windowDays, curve }) => {
    const { features, lastActivityAt } = view.state
    const entitled = entitledOf(view)
    if (entitled.size === 0 || (lastActivityAt === null && !isConnected(view, 'adoption'))) return noData()
    const from = windowStart(view, windowDays!)
    let used = 0
    let oldest = Number.POSITIVE_INFINITY
    for (const [feature, day] of features) {
      if (day < from || !entitled.has(feature)) continue
      used += 1
      if (day < oldest) oldest = day
    }
    const value = used / entitled.size
    return found(value, pointsAt(curve!, value), oldest + windowDays! - view.day)
  },
}

type Names = { readonly size: number; readonly has: (name: string) => boolean }

/** The set made of one trait value, kept for as long as that value stands. */
const sets = new WeakMap<readonly string[], Names>()

const entitledOf = ({ state, model }: AccountView): Names => {
  const names = state.traits.entitledFeatures as readonly string[] | undefined
  if (names === undefined) return model.coreFeatures.size > 0 ? model.coreFeatures : state.features
  let set = sets.get(names)
  if (set === undefined) {
    set = new Set(names)
    sets.set(names, set)
  }
  return set
}
