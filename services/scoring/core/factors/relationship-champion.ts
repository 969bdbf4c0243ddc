import { factor } from './factor.ts'

/** Local days since the champion's latest activity. No data without a champion. */
export const champion = factor({
  needs: ['upTo', 'beyond'],
  situations: ['removed'],
  value: ({ state, day }) =>
    state.champion === null || state.championSeenDay < 0 ? null : day - state.championSeenDay,
  situation: ({ state: { champion: current, championSeenDay } }) => {
    if (current === null) return null
    if (current.userId === null) return 'removed'
    return championSeenDay < 0 ? 'beyond' : null
  },
  changesIn: 'ages',
})
