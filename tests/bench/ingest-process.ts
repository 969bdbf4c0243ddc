import { systemClock } from '#libs/runtime/clock.ts'
import { createRecordingBus } from '../support/bus/recording-bus.ts'
import { startIngest } from '../support/ingest/ingest-server.ts'

// The door alone: its log acknowledges at once and keeps nothing, so that what is compared is the door and not the broker.
const bus = { ...createRecordingBus(), publish: async () => {} }
const { base } = await startIngest(bus, systemClock, { trustEvents: process.argv[2] === 'trust' })
process.stdout.write(`${base}\n`)
