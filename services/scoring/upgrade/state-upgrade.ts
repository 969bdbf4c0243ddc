import type { AccountKey } from '#libs/contracts/topics.ts'
import type { Database } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { MINUTE_MS } from '#libs/runtime/durations.ts'
import { UnavailableError } from '#libs/runtime/errors.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import { repeat } from '#libs/runtime/repeat.ts'
import { STATE_LAYOUT } from '../core/codec/state-codec.ts'
import { FOLDED_ACCOUNTS, FOLDED_BYTES } from '../limits.ts'
import type { LiveModels } from '../models/live-models.ts'
import {
  countFormerStates,
  hasFormerFlush,
  isWithoutAccounts,
  listFormerStates,
  markListed,
  markListedThrough,
  markThrough,
  readMarker,
} from './former-state-store.ts'
import { renewPage } from './renew-page.ts'

/** Brings every stored account to today's layout, before the process counts events. */
export type StateUpgrade = {
  /** Resolves when `onThrough` has run, or when there is work that goes on in the background. */
  readonly start: () => Promise<void>
  /** Resolves when the page under way has ended: what it did is done by the next start. */
  readonly stop: () => Promise<void>
  /** For readiness: rejects while accounts are left. */
  readonly check: () => Promise<void>
  readonly accountsLeft: () => Promise<number>
}

const RETRY_MS = 1_000
const LISTED_AT_ONCE = 5_000
/** An older release that goes on writing must not keep this one from counting. */
const MAX_LISTINGS = 3

type Deps = {
  readonly database: Database
  readonly clock: Clock
  readonly logger: Logger
  readonly liveModels: LiveModels
  /** Called once, when all accounts are of today's layout. May be called again if it rejects. */
  readonly onThrough: () => Promise<void>
  readonly accountsAtOnce?: number
  readonly maxBytes?: number
}

export const createStateUpgrade = (deps: Deps): StateUpgrade => {
  const { database, clock, logger, liveModels, onThrough } = deps
  const { accountsAtOnce: most = FOLDED_ACCOUNTS, maxBytes = FOLDED_BYTES } = deps
  let through = false
  let listings = 0
  let accounts = most
  const total = { accounts: 0, folded: 0, frames: 0, events: 0, overtaken: 0, dropped: 0 }
  let startedAt = 0
  let loggedAt = 0

  const isMarked = async (): Promise<boolean> => {
    const { layout } = await readMarker(database)
    if (layout !== STATE_LAYOUT) return (await isWithoutAccounts(database)) && markThrough(database, STATE_LAYOUT)
    if (!(await hasFormerFlush(database, STATE_LAYOUT))) return true
    await markListed(database, null)
    return false
  }

  const list = async (stopping: AbortSignal): Promise<void> => {
    let last: AccountKey | undefined
    do {
      stopping.throwIfAborted()
      last = await listFormerStates(database, STATE_LAYOUT, last, LISTED_AT_ONCE)
    } while (last !== undefined)
    await markListed(database, STATE_LAYOUT)
    listings++
  }

  const logProgress = async (message: string): Promise<void> => {
    loggedAt = clock.now()
    const left = await countFormerStates(database)
    logger.info({ layout: STATE_LAYOUT, left, ...total, tookMs: loggedAt - startedAt }, message)
  }

  /** Answers whether there was something to do that no other process does. */
  const renewNext = async (stopping: AbortSignal): Promise<boolean> => {
    const renewed = await database.transaction((tx) => renewPage(tx, liveModels, { accounts, maxBytes, stopping }))
    for (const name of Object.keys(total) as (keyof typeof total)[]) total[name] += renewed[name]
    if (renewed.overtaken > 0) await markListed(database, null)
    accounts = renewed.dropped > 0 ? renewed.folded : Math.min(most, accounts * 2)
    if (clock.now() - loggedAt >= MINUTE_MS) await logProgress('accounts are brought to the layout of this release')
    return renewed.accounts > 0
  }

  /** Answers whether nothing is left; false: other processes have what is left. */
  const advance = async (stopping: AbortSignal): Promise<boolean> => {
    for (;;) {
      if ((await readMarker(database)).listed !== STATE_LAYOUT) {
        if (listings === MAX_LISTINGS) return true
        await list(stopping)
      }
      while (await renewNext(stopping)) stopping.throwIfAborted()
      if ((await countFormerStates(database)) > 0) return false
      if (await markListedThrough(database, STATE_LAYOUT)) return true
    }
  }

  const finish = async (): Promise<void> => {
    await onThrough()
    through = true
  }

  const failure = 'accounts could not be brought to the layout of this release'
  const { start, stop } = repeat({ clock, logger, everyMs: RETRY_MS, failure }, async (stopping) => {
    try {
      if (!(await advance(stopping))) return undefined
      await logProgress('accounts are of the layout of this release')
      await finish()
      void stop()
    } catch (error) {
      if (!stopping.aborted) throw error
    }
    return undefined
  })

  return {
    start: async () => {
      startedAt = clock.now()
      if (await isMarked()) return finish()
      loggedAt = startedAt
      start()
    },
    stop,
    check: async () => {
      if (!through) throw new UnavailableError('accounts of a former layout are left')
    },
    accountsLeft: () => countFormerStates(database),
  }
}
