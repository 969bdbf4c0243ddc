import { factor } from './factor.ts'

/** Local days since the last `Touchpoint Logged` of one of the kinds in the model. */
export const touch = factor({
  needs: ['curve'],
  value: ({ state, day }) => (state.contactDay < 0 ? null : day - state.contactDay),
  changesIn: 'ages',
})
