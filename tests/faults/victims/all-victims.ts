import { restoredDatabase, standbyTakesOver } from './older-database.ts'
import { changedPassword, lockedTables, tinyTimeouts } from './role.ts'
import { silentNameServer } from './silent-name-server.ts'
import { vanishedReplica } from './vanished-replica.ts'
import type { Victim } from './victim.ts'

/** In the order in which they are struck: what never ends comes last. */
export const VICTIMS: readonly Victim[] = [
  changedPassword,
  restoredDatabase,
  tinyTimeouts,
  standbyTakesOver,
  lockedTables,
  silentNameServer,
  vanishedReplica,
]
