import type { Bus } from '#libs/bus/bus.ts'
import { RECORD_HEADERS } from '#libs/contracts/record-version.ts'
import type { SourceActivity } from '#libs/contracts/source-activity.ts'
import { sourceKey } from '#libs/contracts/topics.ts'
import type { Database, Sql } from '#libs/postgres/database.ts'
import { type Clock, toInstant } from '#libs/runtime/clock.ts'
import { MINUTE_MS } from '#libs/runtime/durations.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import { type Repeating, repeat } from '#libs/runtime/repeat.ts'
import type { LiveModels } from '../models/live-models.ts'
import { nextRevision } from '../models/model-store.ts'
import { requestReevaluation, SETTLED_MS } from '../models/reevaluation-store.ts'
import type { SourceActivityTracker } from './source-activity.ts'
import {
  claimUnpublished,
  closeSilence,
  findActiveAgain,
  findSilent,
  type Mapped,
  markPublished,
  openSilence,
  releaseUnpublished,
  type SourceActivityEntry,
  writeActivity,
} from './source-store.ts'

const TICK_MS = 1_000
const WRITE_EVERY_MS = MINUTE_MS
const PUBLISH_EVERY_MS = MINUTE_MS
const MAX_PUBLISHED = 1_000
/** Silences begin and end this far ahead, so that every process knows of them in time. */
const AHEAD_MS = 2_000

type Deps = {
  readonly database: Database
  readonly bus: Bus
  readonly clock: Clock
  readonly logger: Logger
  readonly liveModels: LiveModels
  readonly sourceActivity: SourceActivityTracker
}

/**
 * Publishes the time of each source's last event, at most once a minute. Re-evaluates the tenant's
 * accounts when a source that a live model maps becomes silent or active again. A killed process
 * forgets at most a minute of activity, or a tenth of a mapped source's interval.
 */
export const createSourceWatch = (deps: Deps): Pick<Repeating, 'start' | 'stop'> => {
  const { database, bus, clock, logger, liveModels, sourceActivity } = deps

  const write = async (everyMs: (tenantId: string, source: string) => number): Promise<void> => {
    const taken = sourceActivity.take(clock.now(), everyMs)
    if (taken.length === 0) return
    try {
      await writeActivity(database, taken)
    } catch (error) {
      sourceActivity.putBack(taken)
      throw error
    }
  }

  /** Interval between writes: none for a silent source, so that its return is seen at once. */
  const everyMs = (tenantId: string, source: string): number => {
    if (liveModels.isSilent(tenantId, source)) return 0
    return Math.min(WRITE_EVERY_MS, (liveModels.intervalsOf(tenantId).get(source) ?? Number.POSITIVE_INFINITY) / 10)
  }

  const publish = async (): Promise<void> => {
    const now = clock.now()
    const claim = { now, before: now - PUBLISH_EVERY_MS, limit: MAX_PUBLISHED }
    const claimed = await claimUnpublished(database, claim)
    if (claimed.length === 0) return
    const records = claimed.map((one) => ({
      key: sourceKey(one.tenantId, one.source),
      headers: RECORD_HEADERS,
      value: Buffer.from(JSON.stringify(activityOf(one))),
    }))
    try {
      await bus.publish('source.activity', records)
    } catch (error) {
      await releaseUnpublished(database, claimed, now)
      throw error
    }
    failpoint('scoring.source.published')
    await markPublished(database, claimed)
  }

  const activityOf = ({ tenantId, source, heardAt }: SourceActivityEntry): SourceActivity => {
    const expected = liveModels.liveOf(tenantId).default.model.sources[source]?.expectedIntervalHours ?? null
    return { tenantId, source, heardAt: toInstant(heardAt), expectedIntervalHours: expected }
  }

  const watch = async (): Promise<void> => {
    const mapped = liveModels
      .tenants()
      .flatMap((tenantId) =>
        [...liveModels.intervalsOf(tenantId)].map(([source, intervalMs]): Mapped => ({ tenantId, source, intervalMs })),
      )
    const silent = mapped.length === 0 ? [] : await findSilent(database, mapped, clock.now())
    for (const one of silent) await record(one, 'source silent', openSilence)
    for (const one of await findActiveAgain(database)) await record(one, 'source active again', closeSilence)
  }

  const record = async (
    one: SourceActivityEntry,
    message: string,
    change: (tx: Sql, one: SourceActivityEntry, at: number, revision: number) => Promise<boolean>,
  ): Promise<void> => {
    const { tenantId, source } = one
    const at = clock.now() + AHEAD_MS
    const changed = await database.transaction(async (tx) => {
      if (!(await change(tx, one, at, await nextRevision(tx)))) return false
      await requestReevaluation(tx, { tenantId, beginsAt: at, settledAt: at + SETTLED_MS })
      return true
    })
    if (changed) logger.info({ tenantId, source, heardAt: toInstant(one.heardAt) }, message)
  }

  const watching = repeat({ clock, logger, everyMs: TICK_MS, failure: 'sources could not be watched' }, async () => {
    await write(everyMs)
    await publish()
    await watch()
  })

  return {
    start: watching.start,
    stop: async () => {
      await watching.stop()
      await write(() => 0).catch((error) => logger.warn({ err: error }, 'last source activity could not be written'))
    },
  }
}
