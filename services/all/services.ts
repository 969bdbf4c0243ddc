import { alerting } from '../alerting/service.ts'
import { ingest } from '../ingest/service.ts'
import { scoring } from '../scoring/service.ts'

/** All services, in the order of an event. Only services/all knows all of them. */
export const services = [ingest, scoring, alerting]
