import { MENDED_WITHIN_MS, type Victim } from './victim.ts'

/** PostgreSQL ends the transactions of a replica that says nothing for a minute. */
const TRANSACTION_ENDS_MS = 60_000
const FEED_MS = 3_000

/** Further replicas stop amid their work, with leases, partitions and open transactions. */
export const vanishedReplica: Victim = {
  name: 'vanished replica',
  modes: ['embedded', 'kafka'],
  lastsMs: TRANSACTION_ENDS_MS,
  goesOnWithinMs: MENDED_WITHIN_MS,
  strike: async ({ vanish, goesOn }) => {
    let isStopping = true
    const missing = vanish().finally(() => {
      isStopping = false
    })
    // They stop at work only: accounts of their own bring each of them events, alerts and webhooks.
    while (isStopping) await goesOn(FEED_MS)
    const missed = await missing
    // Never continued: nothing is mended.
    return async () => missed.map((failpoint) => `no replica stopped at ${failpoint}`)
  },
}
