import { alerting } from '../alerting/service.ts'
import { ingest } from '../ingest/service.ts'
import { scoring } from '../scoring/service.ts'

/** Everything, in the order of an event's way. The only place that knows all services. */
export const services = [ingest, scoring, alerting]
