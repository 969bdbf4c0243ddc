import { stalledDaysOf } from '../journey/account-view.ts'
import { stalledFrom } from '../journey/journey-runs.ts'
import { factor, NEVER } from './factor.ts'
import { daysToMove } from './score-factor.ts'

/** Local days since the newest required step (or the start); 0 when all steps are done. */
export const stall = factor({
  needs: ['curve'],
  value: (view) => (view.run === undefined ? null : stalledDaysOf(view.run, view)),
  changesIn: ({ run, at }, { curve }, value) =>
    run === undefined || stalledFrom(run, at) === null ? NEVER : daysToMove(curve, value),
})
