import { MENDED_WITHIN_MS, nothingWrong, type Target, type Victim } from './victim.ts'

/** So much is in the log and not in the copy. */
const LOST_MS = 5_000

const copyThenStream = async ({ copyDatabase, stream }: Target) => {
  if (!copyDatabase) throw new Error('the server is not the run’s own')
  const putBack = await copyDatabase()
  await stream(LOST_MS)
  return putBack
}

/*
 * Both need a log beside the database. The built-in log is in the database, and goes back with it:
 * events that were acknowledged after the copy are then gone for good. The page on restores says
 * so.
 */

/** All processes are stopped, the database becomes what it was, and all is started again. */
export const restoredDatabase: Victim = {
  name: 'restored database',
  modes: ['kafka'],
  lastsMs: 0,
  goesOnWithinMs: MENDED_WITHIN_MS,
  rewinds: true,
  strike: async (target) => {
    const putBack = await copyThenStream(target)
    const start = await target.rest()
    await putBack()
    return async () => {
      await start()
      return nothingWrong()
    }
  },
}

/** The processes stay up; the server that they meet after a moment lacks the last seconds. */
export const standbyTakesOver: Victim = {
  name: 'standby takes over',
  modes: ['kafka'],
  lastsMs: 0,
  goesOnWithinMs: MENDED_WITHIN_MS,
  rewinds: true,
  strike: async (target) => {
    const promote = await copyThenStream(target)
    await promote()
    return async () => nothingWrong()
  },
}
