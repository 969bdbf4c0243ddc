import type { UsageEvent } from '#libs/contracts/usage-event.ts'
import { systemClock } from '#libs/runtime/clock.ts'
import { parseInstant } from '#libs/time/instant.ts'
import type { CheckItem } from '../../services/ingest/acceptance/check-item.ts'
import { createRecordingBus } from '../support/bus/recording-bus.ts'
import { startIngest } from '../support/ingest/ingest-server.ts'

/** Accepts every event unchecked, to measure what the checks cost. */
const trustItem: CheckItem = ({ event }) => {
  const trusted = event as UsageEvent
  const { occurredAt } = trusted
  return { ok: true, event: trusted, occurredAt: parseInstant(occurredAt), sentOccurredAt: occurredAt }
}

// Ingest alone: its log acknowledges at once and keeps nothing, so that no broker is measured.
const bus = { ...createRecordingBus(), publish: async () => {} }
const { base } = await startIngest(bus, systemClock, process.argv[2] === 'trust' ? { checkItem: trustItem } : {})
process.stdout.write(`${base}\n`)
