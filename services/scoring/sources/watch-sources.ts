import type { Bus } from '#libs/bus/bus.ts'
import type { SourceActivity } from '#libs/contracts/source-activity.ts'
import { sourceKey } from '#libs/contracts/topics.ts'
import type { Database, Sql } from '#libs/postgres/database.ts'
import { type Clock, sleep, toInstant } from '#libs/runtime/clock.ts'
import { MINUTE_MS } from '#libs/runtime/durations.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import type { Catalog } from '../models/live-models.ts'
import { nextRevision } from '../models/model-store.ts'
import { requestReevaluation, SETTLED_MS } from '../models/reevaluation-store.ts'
import type { HeardSources } from './source-activity.ts'
import {
  closeSilence,
  findHeardAgain,
  findSilent,
  type Heard,
  lockUntold,
  type Mapped,
  markTold,
  openSilence,
  writeHeard,
} from './source-store.ts'

const TICK_MS = 1_000
const WRITE_EVERY_MS = MINUTE_MS
const TELL_EVERY_MS = MINUTE_MS
const MAX_TOLD = 1_000
/** Every process knows of a silence, or of its end, before it is in force. */
const AHEAD_MS = 2_000

type Deps = {
  readonly database: Database
  readonly bus: Bus
  readonly clock: Clock
  readonly logger: Logger
  readonly catalog: Catalog
  readonly heard: HeardSources
}

/**
 * Keeps when each source was last heard, tells `source.activity` of it at most once a minute per source, and notices where a source
 * that a live model maps to groups falls silent or is heard again: then the tenant's accounts are looked at. A process that is killed
 * forgets at most a minute, or a tenth of a mapped source's interval. Without a model that maps sources no account is looked at.
 */
export const createSourceWatch = (deps: Deps): { readonly start: () => void; readonly stop: () => Promise<void> } => {
  const { database, bus, clock, logger, catalog, heard } = deps
  const stopping = new AbortController()
  let running: Promise<void> = Promise.resolve()

  const write = async (everyMs: (tenantId: string, source: string) => number): Promise<void> => {
    const taken = heard.take(clock.now(), everyMs)
    if (taken.length === 0) return
    try {
      await writeHeard(database, taken)
    } catch (error) {
      heard.putBack(taken)
      throw error
    }
  }

  /** At once where the source is on record as silent; else seldom, but often against its interval. */
  const everyMs = (tenantId: string, source: string): number => {
    if (catalog.isSilent(tenantId, source)) return 0
    return Math.min(WRITE_EVERY_MS, (catalog.intervalsOf(tenantId).get(source) ?? Number.POSITIVE_INFINITY) / 10)
  }

  const tell = (): Promise<void> =>
    database.transaction(async (tx) => {
      const now = clock.now()
      const untold = await lockUntold(tx, now - TELL_EVERY_MS, MAX_TOLD)
      if (untold.length === 0) return
      const records = untold.map((one) => ({
        key: sourceKey(one.tenantId, one.source),
        value: Buffer.from(JSON.stringify(activityOf(one))),
      }))
      await bus.publish('source.activity', records)
      failpoint('scoring.source.published')
      await markTold(tx, untold, now)
    })

  const activityOf = ({ tenantId, source, heardAt }: Heard): SourceActivity => {
    const expected = catalog.liveOf(tenantId).default.model.sources[source]?.expectedIntervalHours ?? null
    return { tenantId, source, heardAt: toInstant(heardAt), expectedIntervalHours: expected }
  }

  const watch = async (): Promise<void> => {
    const mapped = catalog
      .tenants()
      .flatMap((tenantId) =>
        [...catalog.intervalsOf(tenantId)].map(([source, intervalMs]): Mapped => ({ tenantId, source, intervalMs })),
      )
    const silent = mapped.length === 0 ? [] : await findSilent(database, mapped, clock.now())
    for (const one of silent) await record(one, 'silent', openSilence)
    for (const one of await findHeardAgain(database)) await record(one, 'heard again', closeSilence)
  }

  const record = async (
    one: Heard,
    what: string,
    change: (tx: Sql, one: Heard, at: number, revision: number) => Promise<boolean>,
  ): Promise<void> => {
    const { tenantId, source } = one
    const at = clock.now() + AHEAD_MS
    const changed = await database.transaction(async (tx) => {
      if (!(await change(tx, one, at, await nextRevision(tx)))) return false
      await requestReevaluation(tx, { tenantId, beginsAt: at, settledAt: at + SETTLED_MS })
      return true
    })
    if (changed) logger.info({ tenantId, source, heardAt: toInstant(one.heardAt) }, `source ${what}`)
  }

  return {
    start: () => {
      running = (async () => {
        while (!stopping.signal.aborted) {
          await write(everyMs)
            .then(tell)
            .then(watch)
            .catch((error) => logger.warn({ err: error }, 'sources could not be looked at'))
          await sleep(clock, TICK_MS, stopping.signal)
        }
      })()
    },
    stop: async () => {
      stopping.abort()
      await running
      await write(() => 0).catch((error) => logger.warn({ err: error }, 'sources heard last could not be kept'))
    },
  }
}
