import type { AccountView } from '../journey/account-view.ts'
import { factor, NEVER } from './factor.ts'

/** Local days from the journey's start to its first value. Without one: no data in `graceDays`. */
export const firstValue = factor({
  needs: ['upTo', 'beyond'],
  situations: ['never'],
  settings: ['graceDays'],
  value: ({ run, at, zone }) =>
    run === undefined || run.firstValueAt > at ? null : zone.dayOf(run.firstValueAt) - zone.dayOf(run.startAt),
  situation: (view, { settings }) => (daysWithout(view) > settings.graceDays ? 'never' : null),
  changesIn: () => NEVER,
  dataIn: (view, { settings }) => settings.graceDays - daysWithout(view) + 1,
})

/** -Infinity without a journey, or after first value: time alone then changes nothing. */
const daysWithout = ({ run, at, day, zone }: AccountView): number =>
  run === undefined || run.firstValueAt <= at ? Number.NEGATIVE_INFINITY : day - zone.dayOf(run.startAt)
