import { factor } from './factor.ts'

/** Local days since the last activity event. No data before the first. */
export const recency = factor({
  needs: ['curve'],
  value: ({ state, day, zone }) => (state.lastActivityAt === null ? null : day - zone.dayOf(state.lastActivityAt)),
  changesIn: 'ages',
})
