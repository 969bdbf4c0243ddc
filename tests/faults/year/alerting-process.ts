import { flushCompileCache } from 'node:module'
import { createInterface } from 'node:readline'
import { createApp } from '#libs/app/app.ts'
import { alerting } from '../../../services/alerting/service.ts'
import { ingest } from '../../../services/ingest/service.ts'
import { createWarpedClock } from '../../support/processes/warped-clock.ts'

// Alerting as it is run, but for its clock: it begins at the instant given as argument, and each
// line of the input is an instant to jump to. Without Kafka a service does not run alone: ingest
// comes along, unused.
const clock = createWarpedClock(Number(process.argv[2]))
const app = createApp({
  definitions: process.env.KAFKA_BROKERS ? [alerting] : [ingest, alerting],
  environment: process.env,
  clock,
})
createInterface({ input: process.stdin })
  .on('line', (line) => clock.jumpTo(Number(line)))
  .on('close', () => void app.stop().then(() => process.exit(0)))
await app.start()
// It will be killed, and its successors should start fast.
flushCompileCache()
