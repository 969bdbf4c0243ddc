import type { AccountView } from '../journey/account-view.ts'
import { factor, NEVER } from './factor.ts'
import { isConnected, windowStart } from './factor-input.ts'

/**
 * Core features used in the window / core features entitled: by the trait `entitledFeatures`, else
 * by the model, else those ever used. No data before any activity, or when none is entitled.
 */
export const breadth = factor({
  needs: ['windowDays', 'curve'],
  value: (view, { windowDays }) => {
    const entitled = entitledOf(view)
    if (entitled.size === 0 || (view.state.lastActivityAt === null && !isConnected(view, 'adoption'))) return null
    let used = 0
    eachUsed(view, entitled, windowDays, () => used++)
    return used / entitled.size
  },
  changesIn: (view, { windowDays }) => {
    let oldest = NEVER
    eachUsed(view, entitledOf(view), windowDays, (day) => {
      oldest = Math.min(oldest, day)
    })
    return oldest + windowDays - view.day
  },
})

type Names = { readonly size: number; readonly has: (name: string) => boolean }

const eachUsed = (view: AccountView, entitled: Names, windowDays: number, use: (day: number) => void): void => {
  const from = windowStart(view, windowDays)
  for (const [feature, day] of view.state.features) if (day >= from && entitled.has(feature)) use(day)
}

/** Sets by trait value; a set lives as long as its value. */
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
