import type { Batch, Bus, Subscription } from '#libs/bus/bus.ts'
import { createStoredPositions, type StoredPositions } from '#libs/bus/stored-positions.ts'
import { sourceActivitySchema } from '#libs/contracts/source-activity.ts'
import type { Database } from '#libs/postgres/database.ts'
import { probeTables } from '#libs/postgres/probe-tables.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import type { AlertEpoch } from '../alerts/alert-epoch.ts'
import type { RuleCatalog } from '../rules/rule-store.ts'
import { evaluateActivity, recheckMuted } from './evaluate-monitors.ts'
import { parseMessages } from './parse-message.ts'

export type ConsumeActivityDeps = {
  readonly database: Database
  readonly bus: Bus
  readonly clock: Clock
  readonly ruleCatalog: RuleCatalog
  readonly epoch: Pick<AlertEpoch, 'current' | 'raise'>
  readonly onCommit: () => void
}

export const ACTIVITY_READER = { group: 'alerting-sources', topic: 'source.activity' } as const

/** Reads `source.activity`. The first message makes a source known; later ones end its alerts. */
export const consumeActivity = ({ bus, ...deps }: ConsumeActivityDeps): Promise<Subscription> => {
  const stored = createStoredPositions({ database: deps.database, table: 'alerting.activity_position' })
  const positions = { ...stored, onRewind: deps.epoch.raise }
  return bus.consume({
    ...ACTIVITY_READER,
    positions,
    handle: (batch) => evaluateBatch(batch, { ...deps, positions }),
    probe: () => probeTables(deps.database, ['alerting.subject', 'alerting.alert', 'alerting.outbox']),
  })
}

type BatchDeps = Omit<ConsumeActivityDeps, 'bus'> & { readonly positions: StoredPositions }

const evaluateBatch = async (
  batch: Batch,
  { database, clock, ruleCatalog, epoch, onCommit, positions }: BatchDeps,
): Promise<void> => {
  const messages = await parseMessages(batch, { schema: sourceActivitySchema, what: 'an activity of a source' })
  const { partition, records } = batch
  const next = records.at(-1)!.offset + 1
  if (messages.length === 0) return positions.write(partition, next)
  const evaluated = await positions.commit([{ partition, next }], async (tx) =>
    evaluateActivity(tx, { ruleCatalog, epoch: await epoch.current(tx) }, messages),
  )
  failpoint('alerting.activity.after')
  await database.transaction((tx) => recheckMuted(tx, evaluated, clock.now()))
  onCommit()
}
