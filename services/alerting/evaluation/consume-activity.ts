import type { Batch, Bus, Subscription } from '#libs/bus/bus.ts'
import { sourceActivitySchema } from '#libs/contracts/source-activity.ts'
import type { Database } from '#libs/postgres/database.ts'
import { probeTables } from '#libs/postgres/probe-tables.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import type { RuleCatalog } from '../rules/rule-store.ts'
import { evaluateActivity, recheckMuted } from './evaluate-monitors.ts'
import { parseMessages } from './parse-message.ts'

export type ConsumeActivityDeps = {
  readonly database: Database
  readonly bus: Bus
  readonly clock: Clock
  readonly ruleCatalog: RuleCatalog
  readonly onCommit: () => void
}

/** Reads `source.activity`. The first message makes a source known; later ones end its alerts. */
export const consumeActivity = ({ bus, ...deps }: ConsumeActivityDeps): Promise<Subscription> =>
  bus.consume({
    group: 'alerting-sources',
    topic: 'source.activity',
    handle: (batch) => evaluateBatch(batch, deps),
    probe: () => probeTables(deps.database, ['alerting.subject', 'alerting.alert', 'alerting.outbox']),
  })

const evaluateBatch = async (
  batch: Batch,
  { database, clock, ruleCatalog, onCommit }: Omit<ConsumeActivityDeps, 'bus'>,
): Promise<void> => {
  const messages = await parseMessages(batch, { schema: sourceActivitySchema, what: 'an activity of a source' })
  if (messages.length === 0) return
  const evaluated = await database.transaction((tx) => evaluateActivity(tx, ruleCatalog, messages))
  failpoint('alerting.activity.after')
  await database.transaction((tx) => recheckMuted(tx, evaluated, clock.now()))
  onCommit()
}
