import { factor } from './factor.ts'

/** Local days since the last meaningful contact (a `Touchpoint Logged` of one of the model's kinds). */
export const touch = factor({
  needs: ['curve'],
  value: ({ state, day }) => (state.contactDay < 0 ? null : day - state.contactDay),
  changesIn: 'ages',
})
